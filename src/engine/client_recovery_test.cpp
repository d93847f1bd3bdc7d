// A start whose state and bucket do not agree. Each case ends in a chain that gives the database back, and uploads no
// more than it has to.
#include <future>

#include <gtest/gtest.h>

#include "engine/client_testing.h"
#include "ltx/encoder.h"

namespace engine::testing {
namespace {

using namespace std::chrono_literals;
using storage::OperationKind;

class ClientRecovery : public ClientTest {
 protected:
  // A database of about 2 MB, stored, and then changed in a few pages while nobody looked.
  void store_then_change() {
    start_app();
    commit(20, 100'000);
    start_client();
    ASSERT_TRUE(run_until_stored());
    commit(1);
    ASSERT_TRUE(run_until_stored());
    client_ = nullptr;
    commit(2);
    keys_ = store_->keys();
    sent_ = store_->counts().bytes_sent;
  }
  [[nodiscard]] std::uint64_t uploaded() const { return store_->counts().bytes_sent - sent_; }
  static std::string key(std::uint64_t txid) {
    return storage::ltx_key(storage::KeyLayout::s3, storage::replica_path(kClientId),
                            {base::Level{0}, base::Txid{txid}, base::Txid{txid}})
        .value;
  }
  void put(const std::string& at, base::Bytes bytes) {
    ASSERT_TRUE(storage::remove_and_wait(*store_, {base::ObjectKey{at}}));
    const auto body = std::make_shared<storage::MemoryBody>(std::move(bytes));
    ASSERT_TRUE(storage::put_and_wait(*store_, {.key = base::ObjectKey{at}, .body = body}));
    sent_ = store_->counts().bytes_sent;
  }
  void remove(std::uint64_t txid) { ASSERT_TRUE(storage::remove_and_wait(*store_, {base::ObjectKey{key(txid)}})); }
  [[nodiscard]] std::uint64_t asked(OperationKind kind) const {
    const auto all = store_->operations();
    return static_cast<std::uint64_t>(std::ranges::count(all, kind, &storage::Operation::kind));
  }
  // What the stock planner makes of the bucket.
  void expect_restorable() {
    std::promise<base::Result<BucketPosition>> answer;
    find_bucket_position(*store_, storage::replica_path(kClientId),
                         [&](base::Result<BucketPosition> found) { answer.set_value(std::move(found)); });
    const BucketPosition found = answer.get_future().get().value();
    ASSERT_TRUE(found.restorable);
    const auto index = read_remote_index(*store_, found.plan, {});
    ASSERT_TRUE(index) << index.error().message;
    EXPECT_EQ(index->database_checksum, checksum_of(committed_pages(database_)));
  }
  bool run_until_whole() {
    return run_until([this] { return status_ && !status_->behind && status_->txid >= 3; });
  }

  std::vector<std::string> keys_;
  std::uint64_t sent_ = 0;
};

TEST_F(ClientRecovery, WithGoodStateTheChangedPagesAreStoredAfterOneListing) {
  store_then_change();
  const auto lists = asked(OperationKind::list);
  const auto gets = asked(OperationKind::get);
  kill_and_restart();
  ASSERT_TRUE(run_until_stored());
  EXPECT_EQ(status_->txid, 3U);
  EXPECT_LT(uploaded(), 20'000U);
  EXPECT_EQ(asked(OperationKind::list), lists + 1) << "does the bucket still end where we left it?";
  commit();
  ASSERT_TRUE(run_until_stored());
  EXPECT_EQ(asked(OperationKind::list), lists + 1) << "once a run";
  EXPECT_EQ(asked(OperationKind::get), gets);
  expect_restorable();
}

TEST_F(ClientRecovery, WithGoodStateAndNothingNewNothingIsAsked) {
  start_app();
  commit(3);
  start_client();
  ASSERT_TRUE(run_until_stored());
  const auto operations = store_->operations().size();
  kill_and_restart();
  ASSERT_TRUE(run_until([this] { return status_ && !status_->behind; }));
  EXPECT_EQ(store_->operations().size(), operations);
}

TEST_F(ClientRecovery, WithoutStateThePagesThatDifferFromTheBucketsAreStored) {
  store_then_change();
  start_client("empty.db");
  ASSERT_TRUE(run_until_stored());
  EXPECT_EQ(status_->txid, 3U);
  EXPECT_LT(uploaded(), 20'000U) << "a diff, though nothing was known here";
  expect_restorable();
  commit();
  ASSERT_TRUE(run_until_stored());
  kill_and_restart();
}

TEST_F(ClientRecovery, WithoutStateWhatIsCommittedWhileTheBucketIsReadIsPartOfTheDiff) {
  store_then_change();
  start_client("empty.db");
  contexts_.back()->in_background = [this](auto job) {
    commit(3);
    job(std::stop_token());
    commit(3);
  };
  ASSERT_TRUE(run_until_stored());
  EXPECT_LT(uploaded(), 40'000U);
  expect_restorable();
}

TEST_F(ClientRecovery, WithoutStateADatabaseThatShrankIsADiffToo) {
  store_then_change();
  app_->run("DELETE FROM t WHERE a > 5; VACUUM;");
  start_client("empty.db");
  ASSERT_TRUE(run_until_stored());
  EXPECT_EQ(status_->txid, 3U);
  expect_restorable();
}

TEST_F(ClientRecovery, WithoutStateADamagedHistoryIsReplacedByASnapshot) {
  store_then_change();
  base::Bytes bytes = *store_->peek(key(1));
  bytes[bytes.size() / 2] ^= 1U;
  put(key(1), bytes);
  start_client("empty.db");
  ASSERT_TRUE(run_until_whole());
  EXPECT_EQ(store_->keys().back(), "databases/" + kClientId.value + "/0009/0000000000000001-0000000000000003.ltx");
  EXPECT_EQ(*store_->peek(key(1)), bytes) << "nothing is overwritten";
  EXPECT_EQ(probe_.repaired_chains, 1U);
  expect_restorable();
}

TEST_F(ClientRecovery, WithoutStateAnObjectThatIsNoLtxFileIsPassedByWithASnapshot) {
  store_then_change();
  put(key(3), base::Bytes(500, 9));
  start_client("empty.db");
  ASSERT_TRUE(run_until([this] { return status_ && !status_->behind && status_->txid == 4; }));
  expect_restorable();
}

TEST_F(ClientRecovery, AfterATakeoverOfAnObjectThatIsNoLtxFileASnapshotGoesOn) {
  store_then_change();
  put(key(3), base::Bytes(500, 9));
  kill_and_restart();
  ASSERT_TRUE(run_until([this] { return status_ && status_->state == ClientState::conflict; }));
  client_->post(Command::take_over);
  ASSERT_TRUE(run_until([this] { return status_ && !status_->behind && status_->txid == 4; }));
  expect_restorable();
}

// The acknowledgements of a while were lost with the power: the objects are read one after the other, and nothing but
// the difference is sent.
TEST_F(ClientRecovery, AStateThatIsOlderThanTheBucketCatchesUpByReading) {
  start_app();
  commit(20, 100'000);
  start_client();
  ASSERT_TRUE(run_until_stored());
  for (const char* part : {"", "-wal"}) {
    os::testing::write_text((dir_ / "old.db").string() + part,
                            os::testing::read_text((dir_ / "state.db").string() + part));
  }
  for (int i = 0; i < 5; ++i) {
    commit();
    ASSERT_TRUE(run_until_stored());
  }
  const std::uint64_t newest = status_->txid;
  ASSERT_EQ(newest, 6U);
  client_ = nullptr;
  commit();
  sent_ = store_->counts().bytes_sent;
  const auto puts = asked(OperationKind::put);
  start_client("old.db");
  ASSERT_TRUE(run_until_stored());
  EXPECT_EQ(status_->txid, newest + 1);
  EXPECT_EQ(probe_.adopted, 5U);
  EXPECT_EQ(asked(OperationKind::put), puts + 1) << "nothing is sent against names that are taken";
  EXPECT_LT(uploaded(), 20'000U);
  expect_restorable();
}

class ClientBucketLoss : public ClientRecovery, public ::testing::WithParamInterface<std::vector<std::uint64_t>> {};

TEST_P(ClientBucketLoss, IsNoticedBeforeTheNextUploadAndMadeWhole) {
  store_then_change();
  for (const std::uint64_t txid : GetParam()) remove(txid);
  kill_and_restart();
  ASSERT_TRUE(run_until([this] { return probe_.repaired_chains == 1 && status_ && !status_->behind; }));
  expect_restorable();
  commit();
  const std::uint64_t txid = status_->txid;
  ASSERT_TRUE(run_until([&] { return !status_->behind && status_->txid == txid + 1; }));
  expect_restorable();
  const bool has_image = GetParam() == std::vector<std::uint64_t>{2};
  EXPECT_LT(uploaded(), has_image ? 40'000U : 5'000'000U) << "a diff to what is left, if it is of use";
}

INSTANTIATE_TEST_SUITE_P(NewestOldestAll, ClientBucketLoss,
                         ::testing::Values(std::vector<std::uint64_t>{2}, std::vector<std::uint64_t>{1},
                                           std::vector<std::uint64_t>{1, 2}));

// Litestream, or a Manager with retention: what stood at our next TXID was merged and deleted.
TEST_F(ClientRecovery, AnotherWriterThatCompactedMeanwhileIsAConflictToo) {
  store_then_change();
  ltx::Header header;
  header.page_size = 4096;
  header.commit = 1;
  header.min_txid = base::Txid{3};
  header.max_txid = base::Txid{9};
  header.timestamp = clock_.unix_now();
  base::Bytes bytes;
  ltx::Encoder encoder(header, [&](base::ByteView part) -> base::Result<> {
    bytes.insert(bytes.end(), part.begin(), part.end());
    return {};
  });
  ASSERT_TRUE(encoder.add_page(1, base::Bytes(4096, 1)));
  ASSERT_TRUE(encoder.finish());
  put("databases/" + kClientId.value + "/0001/0000000000000003-0000000000000009.ltx", bytes);
  const auto before = store_->keys();
  kill_and_restart();
  ASSERT_TRUE(run_until([this] { return status_ && status_->state == ClientState::conflict; }));
  EXPECT_EQ(status_->conflict->writer, ForeignWriter::litestream);
  EXPECT_EQ(status_->conflict->txid, 9U);
  EXPECT_EQ(store_->keys(), before) << "our object would have hidden behind theirs";
}

}  // namespace
}  // namespace engine::testing
