// A client that runs and is told that its backup lacks what a restore needs.
#include <gtest/gtest.h>

#include "engine/client_testing.h"

namespace engine::testing {
namespace {

using namespace std::chrono_literals;

class ClientMend : public ClientTest {
 protected:
  void SetUp() override {
    start_app();
    start_client();
    ASSERT_TRUE(run_until_stored());
    for (int i = 0; i < 3; ++i) {
      commit();
      ASSERT_TRUE(run_until_stored());
    }
    ASSERT_EQ(status_->txid, 4U);
  }
  static std::string key(std::uint8_t level, std::uint64_t min, std::uint64_t max) {
    return storage::ltx_key(storage::KeyLayout::s3, storage::replica_path(kClientId),
                            {base::Level{level}, base::Txid{min}, base::Txid{max}})
        .value;
  }
  void remove(std::uint64_t txid) {
    ASSERT_TRUE(storage::remove_and_wait(*store_, {base::ObjectKey{key(0, txid, txid)}}));
  }
  // What a restore of the newest state reads, by a plan of names, and whether that is the database.
  bool newest_is_whole() {
    std::vector<history::BackupFile> files;
    const std::string replica = storage::replica_path(kClientId);
    for (const std::string& text : store_->keys()) {
      const auto name = storage::parse_ltx_key(store_->layout(), replica, text);
      if (name) files.push_back({*name, base::ObjectKey{text}, 0, {}});
    }
    const auto plan = history::plan_restore(files, {});
    if (!plan) return false;
    Pages pages;
    for (const history::BackupFile& file : *plan) {
      const auto bytes = store_->peek(file.key.value);
      ltx::Decoder decoder(ltx::memory_source(*bytes));
      const auto header = decoder.read_header();
      if (!header) return false;
      for (auto page = decoder.next_page(); page && *page; page = decoder.next_page()) {
        pages[(*page)->page_number] = base::Bytes((*page)->data.begin(), (*page)->data.end());
      }
      if (!decoder.finish()) return false;
      std::erase_if(pages, [&](const auto& item) { return item.first > header->commit; });
    }
    return pages == committed_pages(database_);
  }
  bool run_until_whole() {
    return run_until([this] { return status_ && !status_->behind && newest_is_whole(); });
  }
};

TEST_F(ClientMend, StoresASnapshotWithoutACommitOrARestart) {
  remove(2);
  EXPECT_FALSE(newest_is_whole());
  client_->post(Mend::missing);
  ASSERT_TRUE(run_until_whole());
  EXPECT_EQ(status_->txid, 5U);
  EXPECT_TRUE(store_->peek(key(9, 1, 5)));
  EXPECT_EQ(probe_.repaired_chains, 1U);
  const auto known = ledgers_.back()->inventory().present(1);
  ASSERT_TRUE(known);
  EXPECT_EQ(known->size(), 4U) << "recorded is what is there: three that are left, and the snapshot";
  commit();
  ASSERT_TRUE(run_until_whole());
  EXPECT_EQ(status_->txid, 6U) << "and goes on";
}

// Nor is a TXID given twice: what is on its way with the names of the lost ones is no part of what comes.
TEST_F(ClientMend, WhereTheNewestObjectsAreGoneASnapshotGoesOnAboveThem) {
  remove(4);
  remove(3);
  client_->post(Mend::missing);
  ASSERT_TRUE(run_until_whole());
  EXPECT_EQ(status_->txid, 5U);
  EXPECT_TRUE(store_->peek(key(9, 1, 5)));
  commit();
  ASSERT_TRUE(run_until_whole());
  EXPECT_TRUE(store_->peek(key(0, 6, 6)));
}

TEST_F(ClientMend, WhereNothingIsLeftASnapshotGoesOnAboveWhatWas) {
  for (const std::uint64_t txid : {1U, 2U, 3U, 4U}) remove(txid);
  client_->post(Mend::missing);
  ASSERT_TRUE(run_until_whole());
  EXPECT_TRUE(store_->peek(key(9, 1, 5)));
  EXPECT_EQ(store_->keys().size(), 1U);
}

TEST_F(ClientMend, ADamagedObjectIsReplacedThoughNamesSayNothing) {
  storage::PutRequest request;
  request.key = base::ObjectKey{key(0, 1, 1)};
  request.on_existing = storage::OnExisting::overwrite;
  request.body = std::make_shared<storage::MemoryBody>(base::Bytes(100));
  ASSERT_TRUE(storage::put_and_wait(*store_, std::move(request)));
  client_->post(Mend::damaged);
  ASSERT_TRUE(run_until_whole());
  EXPECT_TRUE(store_->peek(key(9, 1, 5)));
}

TEST_F(ClientMend, WhatIsWholeByNowIsNotStoredAgain) {
  const auto before = store_->keys();
  client_->post(Mend::missing);
  ASSERT_TRUE(run_until([&] { return probe_.repaired_chains == 1U && status_ && !status_->behind; }));
  EXPECT_EQ(status_->txid, 4U);
  EXPECT_EQ(store_->keys(), before);
}

// Its TXID is not for another object, whatever its answer will be.
TEST_F(ClientMend, AnUploadUnderWayIsAnsweredFirst) {
  store_->pause();
  commit();
  ASSERT_TRUE(run_until([&] { return store_->operations().back().key == key(0, 5, 5); }));
  client_->post(Mend::missing);
  for (int i = 0; i < 20; ++i) step();
  EXPECT_EQ(probe_.repaired_chains, 0U);
  store_->resume();
  remove(3);
  ASSERT_TRUE(run_until_whole());
  EXPECT_TRUE(store_->peek(key(0, 5, 5)));
  EXPECT_EQ(status_->txid, 6U);
  EXPECT_TRUE(store_->peek(key(9, 1, 6)));
}

// Sent and not answered: tried again, byte for byte, before anything else is.
TEST_F(ClientMend, AnUploadThatFailsIsRepeatedFirst) {
  store_->fail_next([](const storage::Operation& op) { return op.kind == storage::OperationKind::put; },
                    {base::Category::retry_later, "503", {}}, 1, storage::MemoryStore::FaultPoint::after);
  commit();
  ASSERT_TRUE(run_until([&] { return status_ && status_->state == ClientState::failing; }));
  remove(2);
  client_->post(Mend::missing);
  ASSERT_TRUE(run_until_whole());
  EXPECT_EQ(status_->txid, 6U);
  EXPECT_EQ(probe_.conflicts, 0U);
}

TEST_F(ClientMend, ADatabaseThatIsAwayWaitsUntilItIsBack) {
  client_->post(Command::vanish);
  remove(2);
  client_->post(Mend::missing);
  for (int i = 0; i < 20; ++i) step();
  EXPECT_EQ(probe_.repaired_chains, 0U);
  client_->post(Command::appear);
  happens(FileEventKind::checked);
  EXPECT_TRUE(run_until_whole());
}

}  // namespace
}  // namespace engine::testing
