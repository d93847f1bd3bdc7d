#include "engine/offline_state.h"

#include <filesystem>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "engine/ledger.h"
#include "engine/ledger_view.h"
#include "os/testing.h"

namespace engine {
namespace {

using base::Category;

const base::DatabaseId kId{"11111111-2222-3333-4444-555555555555"};
const base::DatabaseId kOther{"11111111-2222-3333-4444-555555555556"};

class OfflineState : public ::testing::Test {
 protected:
  OfflineState() {
    auto ledger = std::move(*Ledger::open(dir_ / "state.db"));
    for (const base::DatabaseId& id : {kOther, kId}) {
      const auto record = *ledger->find_or_create(id, "/clients/" + id.value + ".db", base::UnixMillis{5});
      Acknowledgement ack;
      ack.txid = base::Txid{7};
      ack.page_size = 512;
      ack.page_count = 1;
      ack.pages = {{1, 99}};
      ack.at = base::UnixMillis{6};
      ack.object = history::Object{base::Txid{7}, base::Txid{7}, 100, ack.at, ack.at, 1, base::Level{0}};
      EXPECT_TRUE(ledger->acknowledge(record.row, ack).has_value());
      EXPECT_TRUE(ledger->inventory().record_listing(*ledger->inventory().begin_listing(record.row), {}).has_value());
      EXPECT_TRUE(ledger->inventory().set_due(record.row, base::UnixMillis{9}).has_value());
    }
    os::testing::write_text(dir_ / "cache.db", "objects");
  }
  os::testing::TempDir dir_;
};

TEST_F(OfflineState, KnowsNothingOfTheBackupAndEverythingElse) {
  const LedgerView before = *read_ledger(dir_ / "state.db");
  ASSERT_TRUE(forget_backup(dir_.path(), kId).has_value());
  EXPECT_FALSE(std::filesystem::exists(dir_ / "cache.db")) << "it could give objects of the same names";
  const LedgerView after = *read_ledger(dir_ / "state.db");
  for (const auto& [name, value] : before.facts) {
    EXPECT_EQ(after.facts.at(name), value) << "a start after a crash must still be known as one";
  }
  ASSERT_EQ(after.clients.size(), 2U);
  {
    const auto ledger = std::move(*Ledger::open(dir_ / "state.db"));
    const auto gone = *ledger->find(kId);
    EXPECT_EQ(gone.txid, base::Txid{0});
    EXPECT_FALSE(gone.index_valid);
    EXPECT_FALSE(ledger->inventory().known(gone.row).value());
    EXPECT_EQ(ledger->inventory().held(gone.row).value(), Held{});
    EXPECT_FALSE(ledger->inventory().due(gone.row)->has_value());
    EXPECT_EQ(ledger->page_index(gone.row, 1).value(), std::vector<std::uint64_t>{0});
    const auto other = *ledger->find(kOther);
    EXPECT_EQ(other.txid, base::Txid{7});
    EXPECT_EQ(ledger->inventory().held(other.row).value(), (Held{1, 100}));
    EXPECT_EQ(ledger->page_index(other.row, 1).value(), std::vector<std::uint64_t>{99});
  }
  ASSERT_TRUE(forget_client(dir_.path(), kId).has_value());
  ASSERT_TRUE(forget_client(dir_.path(), kId).has_value()) << "again is no error";
  EXPECT_EQ(read_ledger(dir_ / "state.db")->clients.size(), 1U);
}

TEST_F(OfflineState, WhatWasStoredIsKnownUntilAPurgeIsComplete) {
  const auto last = [&](const base::DatabaseId& id) {
    const LedgerView view = *read_ledger(dir_ / "state.db");
    for (const KnownClient& client : view.clients) {
      if (client.id == id) return view.last_attempt(client);
    }
    return base::Txid{~0ULL};
  };
  EXPECT_EQ(last(kId), base::Txid{7});
  for (int times = 0; times < 2; ++times) {
    ASSERT_TRUE(forget_backup(dir_.path(), kId).has_value());
    EXPECT_EQ(last(kId), base::Txid{7}) << "objects above it are another host's";
  }
  ASSERT_TRUE(forget_client(dir_.path(), kId).has_value());
  const auto record = (*Ledger::open(dir_ / "state.db"))->find_or_create(kId, "/clients/a.db", base::UnixMillis{8});
  ASSERT_TRUE(record.has_value());
  EXPECT_EQ(last(kId), base::Txid{0}) << "one that came back has stored nothing";
  EXPECT_EQ(last(kOther), base::Txid{7});
}

TEST_F(OfflineState, OfTwoSpellingsTheExactOneIsMeant) {
  const base::DatabaseId upper{"ABCDEF00-0000-4000-8000-000000000001"};
  const base::DatabaseId lower{"abcdef00-0000-4000-8000-000000000001"};
  for (const auto& [meant, left] : {std::pair(upper, lower), std::pair(lower, upper)}) {
    {
      const auto ledger = std::move(*Ledger::open(dir_ / "state.db"));
      for (const auto& id : {upper, lower}) {
        ASSERT_TRUE(ledger->find_or_create(id, "/clients/" + id.value, base::UnixMillis{5}).has_value());
      }
    }
    ASSERT_TRUE(forget_client(dir_.path(), meant).has_value());
    const auto ledger = std::move(*Ledger::open(dir_ / "state.db"));
    EXPECT_FALSE(ledger->find(meant).has_value()) << meant.value;
    EXPECT_TRUE(ledger->find(left).has_value()) << left.value;
  }
  ASSERT_TRUE(forget_client(dir_.path(), lower).has_value());
  EXPECT_EQ(read_ledger(dir_ / "state.db")->clients.size(), 2U) << "the only spelling there is";
}

TEST_F(OfflineState, ADistrustedInventoryIsListedAnewAndTheRestStays) {
  ASSERT_TRUE(distrust_inventory(dir_.path(), kId).has_value());
  const auto ledger = std::move(*Ledger::open(dir_ / "state.db"));
  const auto record = *ledger->find(kId);
  EXPECT_EQ(record.txid, base::Txid{7});
  EXPECT_FALSE(ledger->inventory().known(record.row).value());
  EXPECT_EQ(ledger->inventory().held(record.row).value(), Held{});
  EXPECT_TRUE(ledger->inventory().due(record.row)->has_value());
  EXPECT_TRUE(ledger->inventory().known(ledger->find(kOther)->row).value());
}

TEST_F(OfflineState, WithoutAStateDatabaseThereIsAnError) {
  EXPECT_EQ(forget_backup(dir_ / "elsewhere", kId).error().category, Category::not_found);
}

}  // namespace
}  // namespace engine
