#include "engine/bucket_pins.h"

#include <gtest/gtest.h>

#include "engine/upkeep_testing.h"

namespace engine {
namespace {

using storage::OperationKind;
using namespace std::chrono_literals;

const base::DatabaseId kId{"11111111-2222-3333-4444-555555555555"};
constexpr base::UnixMillis kNow{1'700'000'000'123};

base::Bytes bytes_of(std::string_view text) {
  const auto view = base::as_bytes(text);
  return {view.begin(), view.end()};
}

TEST(BucketPins, APinIsReadAsItWasWritten) {
  const std::string note = "before \"the\" migration,\nü \\ {";
  for (const auto& until : {std::optional<base::UnixMillis>(), std::optional(kNow + 24h)}) {
    const BucketPin written{kId, {base::Txid{0xabc}, until, note}, kNow};
    const auto named = parse_pin_key(pin_key(kId, base::Txid{0xabc}).value);
    ASSERT_TRUE(named.has_value());
    const BucketPin read = decode_pin(*named, encode_pin(written));
    EXPECT_EQ(read.client, kId);
    EXPECT_EQ(read.pin.txid.value, 0xabcU);
    EXPECT_EQ(read.pin.until, until);
    EXPECT_EQ(read.pin.note, note);
    EXPECT_EQ(read.made, kNow);
  }
}

TEST(BucketPins, WhatCannotBeReadIsAPinForGood) {
  const auto named = parse_pin_key(pin_key(kId, base::Txid{7}).value);
  for (const char* text : {"", "{", "[]", "\xff\xfe", R"({"until": "next year"})", R"({"until": 5, "note": []})"}) {
    const BucketPin pin = decode_pin(*named, bytes_of(text));
    EXPECT_EQ(pin.pin.txid.value, 7U) << text;
    EXPECT_FALSE(pin.pin.until.has_value()) << text;
  }
}

TEST(BucketPins, OtherKeysAreNone) {
  EXPECT_EQ(pin_key(kId, base::Txid{16}).value, "databases/pins/" + kId.value + "/0000000000000010.json");
  for (const char* key : {"databases/pins/", "databases/pins/x.json", "databases/pins//0000000000000010.json",
                          "databases/pins/x/10.json", "databases/pins/x/000000000000001g.json",
                          "databases/x/0000000000000010.json", "databases/pins/x/0000000000000010.txt"}) {
    EXPECT_FALSE(parse_pin_key(key).has_value()) << key;
  }
}

class PinnedTest : public engine::testing::UpkeepTest {
 protected:
  PinnedTest() {
    policy_.retention = {false, 2h, 0h, 0h, 0h, 0h};
    options_.compaction.plan_bytes_floor = 1024;
  }
  void pin(std::uint64_t txid, std::optional<base::UnixMillis> until = std::nullopt) {
    ASSERT_TRUE(store_pin(*store_, {id_, {base::Txid{txid}, until, "kept"}, clock_.unix_now()}).has_value());
  }
  void unpin(std::uint64_t txid) {
    ASSERT_TRUE(storage::remove_and_wait(*store_, {pin_key(id_, base::Txid{txid})}).has_value());
  }
  [[nodiscard]] std::size_t deleting() { return unsettled(); }
};

TEST_F(PinnedTest, APinnedPointStaysWhateverItsAgeAndWhateverTheStateDirectoryKnows) {
  start();
  commit_image(20);
  commits(50);
  pin(31);
  commits(300);
  pass(24h);
  EXPECT_TRUE(restorable(31));
  EXPECT_FALSE(restorable(100));
  EXPECT_GT(probe_.removed_objects, 100U);
  start();
  commits(300);
  pass(std::chrono::days(30));
  EXPECT_TRUE(restorable(31));
  EXPECT_TRUE(restorable(txid_));
}

TEST_F(PinnedTest, APinWithAnEndGoesByItself) {
  start();
  commit_image(20);
  commits(50);
  pin(31, clock_.unix_now() + std::chrono::days(2));
  commits(300);
  pass(24h);
  ASSERT_TRUE(restorable(31));
  pass(48h);
  EXPECT_FALSE(restorable(31));
  EXPECT_TRUE(restorable(txid_));
}

TEST_F(PinnedTest, APinTakenAwayIsNoticedOfAnIdleDatabaseToo) {
  start();
  commit_image(20);
  commits(50);
  pin(31);
  commits(300);
  pass(24h);
  ASSERT_TRUE(restorable(31));
  unpin(31);
  pass(std::chrono::days(8));
  EXPECT_FALSE(restorable(31));
  EXPECT_TRUE(restorable(txid_));
}

// Given up, but not yet sent.
TEST_F(PinnedTest, APinThatComesBetweenThePlanAndTheRequestIsInTime) {
  start();
  commit_image(20);
  commits(100);
  while (deleting() == 0) pass(1min);
  ASSERT_EQ(operations(OperationKind::remove), 0U);
  pin(14);
  pass(24h);
  EXPECT_TRUE(restorable(14));
  EXPECT_FALSE(restorable(15));
  EXPECT_GT(operations(OperationKind::remove), 0U);
}

TEST_F(PinnedTest, APinOfTheTimeBetweenTwoRunsKeepsWhatTheEarlierOneGaveUp) {
  start();
  commit_image(20);
  commits(100);
  while (deleting() == 0) pass(1min);
  pin(14);
  start();
  pass(24h);
  EXPECT_TRUE(restorable(14));
  EXPECT_FALSE(restorable(15));
  settle();
  EXPECT_EQ(ledger_->inventory().present(record_.row)->size(), bucket().size());
}

TEST_F(PinnedTest, NothingIsRemovedWhilePinsCannotBeRead) {
  start();
  commit_image(20);
  store_->fail_next([](const storage::Operation& o) { return o.key.starts_with("databases/pins/"); },
                    {base::Category::denied, "AccessDenied", {}}, 10'000);
  commits(100);
  pass(24h);
  EXPECT_EQ(operations(OperationKind::remove), 0U);
  EXPECT_NE(notices_["pins"], "");
  store_->fail_next([](const storage::Operation&) { return false; }, {base::Category::denied, "", {}}, 0);
}

TEST_F(PinnedTest, AnotherPointInPlaceOfALostOneIsTold) {
  start();
  commit_image(20);
  commits(300);
  pass(24h);
  ASSERT_FALSE(restorable(30));
  pin(30);
  commits(30);
  pass(24h);
  EXPECT_NE(notices_["pins " + id_.value].find("000000000000001e"), std::string::npos);
  unpin(30);
  pass(std::chrono::days(8));
  EXPECT_EQ(notices_["pins " + id_.value], "");
}

TEST_F(PinnedTest, WithoutDeletionsPinsAreNotAskedFor) {
  policy_.retention = {};
  start();
  commit_image(20);
  commits(600);
  EXPECT_EQ(operations(OperationKind::list), 0U);
}

}  // namespace
}  // namespace engine
