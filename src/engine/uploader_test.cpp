#include "engine/uploader.h"

#include <condition_variable>
#include <deque>
#include <mutex>

#include <gtest/gtest.h>

#include "engine/testing.h"
#include "ltx/encoder.h"
#include "ltx/provenance.h"
#include "storage/memory_store.h"

namespace engine {
namespace {

using base::Category;
using engine::testing::put_page;
using storage::MemoryStore;
using storage::Operation;
using storage::OperationKind;
using namespace std::chrono_literals;

constexpr std::uint32_t kPageSize = 512;
const base::DatabaseId kId{"11111111-2222-3333-4444-555555555555"};

base::Bytes page_of(std::uint8_t fill) {
  return base::Bytes(kPageSize, fill);
}

bool is_put(const Operation& operation) {
  return operation.kind == OperationKind::put;
}

class UploaderTest : public ::testing::Test {
 protected:
  UploaderTest() {
    earlier_run_ = (*Ledger::open(dir_ / "state.db"))->lineages().current();
    ledger_ = std::move(*Ledger::open(dir_ / "state.db"));
    record_ = *ledger_->find_or_create(kId, "/clients/a.db", clock_.unix_now());
    uploader_ =
        std::make_unique<Uploader>(*store_, *ledger_, clock_, probe_, clock_.unix_now(), [this](StoreAnswer answer) {
          const std::scoped_lock lock(mutex_);
          answers_.push_back(std::move(answer));
          arrived_.notify_all();
        });
    uploader_->trust_bucket();
  }
  ~UploaderTest() override { store_.reset(); }

  // An image of three pages on top of what is acknowledged.
  BuiltObject object(std::uint8_t fill) {
    PageSet set({}, 1 << 20);
    for (std::uint32_t page = 1; page <= 3; ++page) put_page(set, page, page_of(fill));
    BuildInput input;
    input.acknowledged = &record_;
    input.pages = &set;
    input.page_size = kPageSize;
    input.page_count = 3;
    input.full_image = true;
    input.position = {PositionKind::closed, {}};
    input.now = clock_.unix_now();
    input.lineage = ledger_->lineages().current();
    return std::move(**build_object(input, *ledger_));
  }
  // A file for TXID `txid` as somebody may have left it in the bucket.
  base::Bytes file(std::uint64_t txid, std::uint8_t fill, std::optional<std::uint64_t> lineage,
                   std::uint32_t only_page = 0) {
    ltx::Header header;
    header.page_size = kPageSize;
    header.commit = 3;
    header.min_txid = header.max_txid = base::Txid{txid};
    header.timestamp = base::UnixMillis{1'700'000'000'000};
    if (lineage) ltx::set_provenance(header, {77, *lineage});
    base::Bytes bytes;
    ltx::Encoder encoder(header, [&](base::ByteView part) -> base::Result<> {
      bytes.insert(bytes.end(), part.begin(), part.end());
      return {};
    });
    for (std::uint32_t page = 1; page <= 3; ++page) {
      if (only_page != 0 && only_page != page) continue;
      EXPECT_TRUE(encoder.add_page(page, page_of(fill)));
    }
    EXPECT_TRUE(encoder.finish());
    return bytes;
  }
  std::string key(std::uint64_t txid) const {
    return storage::ltx_key(store_->layout(), storage::replica_path(kId),
                            {base::Level{0}, base::Txid{txid}, base::Txid{txid}})
        .value;
  }
  void put(std::uint64_t txid, base::Bytes bytes) {
    const auto body = std::make_shared<storage::MemoryBody>(std::move(bytes));
    ASSERT_TRUE(storage::put_and_wait(*store_, {.key = base::ObjectKey{key(txid)}, .body = body}));
  }
  void acknowledge_first() {
    ASSERT_TRUE(uploader_->start(object(1), record_).has_value());
    ASSERT_EQ(finish(), UploadNews::stored);
  }

  // Answers until there is news.
  UploadNews finish() {
    for (;;) {
      std::unique_lock lock(mutex_);
      CHECK(arrived_.wait_for(lock, 10s, [this] { return !answers_.empty(); }));
      StoreAnswer answer = std::move(answers_.front());
      answers_.pop_front();
      lock.unlock();
      const auto news = uploader_->on_answer(std::move(answer), record_);
      CHECK(news.has_value());
      if (*news != UploadNews::none) return *news;
    }
  }
  void wait_for_retry() {
    clock_.advance(uploader_->next_attempt() - clock_.steady_now());
    uploader_->retry(record_);
  }
  ClientRecord recorded() { return *ledger_->find_or_create(kId, "/clients/a.db", clock_.unix_now()); }

  os::testing::TempDir dir_;
  engine::testing::ManualClock clock_;
  Probe probe_;
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<StoreAnswer> answers_;
  std::unique_ptr<Ledger> ledger_;
  std::uint64_t earlier_run_ = 0;
  ClientRecord record_;
  std::unique_ptr<MemoryStore> store_ = std::make_unique<MemoryStore>();
  std::unique_ptr<Uploader> uploader_;
};

TEST_F(UploaderTest, AStoredObjectMovesRecordAndLedger) {
  const BuiltObject built = object(1);
  ASSERT_TRUE(uploader_->start(built, record_).has_value());
  EXPECT_EQ(finish(), UploadNews::stored);
  EXPECT_EQ(uploader_->state(), UploadState::idle);
  EXPECT_EQ(uploader_->memory_bytes(), 0U);
  EXPECT_EQ(record_.txid.value, 1U);
  EXPECT_EQ(record_.last_replicated, clock_.unix_now());
  EXPECT_EQ(recorded().txid.value, 1U);
  EXPECT_EQ(recorded().database_checksum, built.acknowledgement.database_checksum);
  EXPECT_EQ(store_->peek(key(1))->size(), built.body->size_bytes());
  EXPECT_EQ(uploader_->uploads(), 1U);
  EXPECT_EQ(uploader_->upload_bytes(), built.body->size_bytes());
}

TEST_F(UploaderTest, TheAttemptIsRecordedBeforeTheObjectIsSent) {
  store_->pause();
  ASSERT_TRUE(uploader_->start(object(1), record_).has_value());
  EXPECT_EQ(recorded().attempted.value, 1U);
  EXPECT_EQ(recorded().txid.value, 0U);
  EXPECT_TRUE(store_->keys().empty());
  store_->resume();
  EXPECT_EQ(finish(), UploadNews::stored);
}

TEST_F(UploaderTest, ALostAnswerIsRecognisedAsOurOwnObject) {
  store_->fail_next(is_put, {Category::retry_later, "connection reset", {}}, 1, MemoryStore::FaultPoint::after);
  ASSERT_TRUE(uploader_->start(object(1), record_).has_value());
  EXPECT_EQ(finish(), UploadNews::failed);
  EXPECT_EQ(uploader_->state(), UploadState::waiting);
  EXPECT_EQ(record_.txid.value, 0U);
  wait_for_retry();
  EXPECT_EQ(finish(), UploadNews::stored);
  EXPECT_EQ(record_.txid.value, 1U);
  EXPECT_EQ(probe_.adopted, 0U);
}

TEST_F(UploaderTest, OtherBytesOfOurLineageAreAdopted) {
  acknowledge_first();
  put(2, file(2, 9, earlier_run_, 2));
  ASSERT_TRUE(uploader_->start(object(5), record_).has_value());
  EXPECT_EQ(finish(), UploadNews::adopted);
  EXPECT_EQ(uploader_->state(), UploadState::idle);
  EXPECT_EQ(record_.txid.value, 2U);
  EXPECT_EQ(record_.database_checksum, 77U) << "what its provenance says";
  EXPECT_EQ(record_.position.kind, PositionKind::none);
  const auto index = *ledger_->page_index(record_.row, 3);
  EXPECT_EQ(index, (std::vector<std::uint64_t>{ltx::page_checksum(1, page_of(1)), ltx::page_checksum(2, page_of(9)),
                                               ltx::page_checksum(3, page_of(1))}));
  EXPECT_EQ(store_->peek(key(2)), file(2, 9, earlier_run_, 2)) << "nothing is overwritten";
  EXPECT_EQ(probe_.adopted, 1U);
}

TEST_F(UploaderTest, AnAdoptedPartOfAnUnknownDatabaseIsNoIndex) {
  put(1, file(1, 9, earlier_run_));
  record_.txid = base::Txid{1};  // as the bucket told; what it holds is not known here
  put(2, file(2, 9, earlier_run_, 2));
  ASSERT_TRUE(uploader_->start(object(5), record_).has_value());
  EXPECT_EQ(finish(), UploadNews::adopted);
  EXPECT_FALSE(record_.index_valid);
  EXPECT_FALSE(recorded().index_valid);
}

// What somebody else may have left at our next TXID.
class ForeignObject : public UploaderTest, public ::testing::WithParamInterface<int> {
 protected:
  base::Bytes foreign() {
    switch (GetParam()) {
      case 0:
        return file(1, 9, 12345);
      case 1:
        return file(1, 9, std::nullopt);
      case 2:
        return base::Bytes(300, 7);
      default:
        return {};
    }
  }
};

TEST_P(ForeignObject, IsAConflictAndNothingIsOverwritten) {
  put(1, foreign());
  ASSERT_TRUE(uploader_->start(object(5), record_).has_value());
  EXPECT_EQ(finish(), UploadNews::conflict);
  EXPECT_EQ(uploader_->state(), UploadState::conflict);
  EXPECT_NE(uploader_->detail().find(key(1)), std::string::npos);
  EXPECT_NE(uploader_->detail().find("another bucket or prefix"), std::string::npos) << "says how to mend it";
  EXPECT_EQ(store_->peek(key(1)), foreign());
  EXPECT_EQ(record_.txid.value, 0U);
  const auto operations = store_->operations().size();
  clock_.advance(24h);
  uploader_->retry(record_);
  EXPECT_EQ(store_->operations().size(), operations) << "stays a conflict";
}

INSTANTIATE_TEST_SUITE_P(OtherLineageLitestreamGarbageEmpty, ForeignObject, ::testing::Range(0, 4));

TEST_F(UploaderTest, ATransientFailureIsRetriedByteForByte) {
  const BuiltObject built = object(1);
  base::Bytes bytes(built.body->size_bytes());
  ASSERT_TRUE(built.body->read_at(0, bytes).has_value());
  store_->fail_next(is_put, {Category::retry_later, "503", {}}, 3);
  ASSERT_TRUE(uploader_->start(built, record_).has_value());
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(finish(), UploadNews::failed);
    EXPECT_EQ(uploader_->detail(), "503");
    EXPECT_EQ(uploader_->memory_bytes(), bytes.size());
    wait_for_retry();
  }
  EXPECT_EQ(finish(), UploadNews::stored);
  EXPECT_EQ(store_->peek(key(1)), bytes);
  EXPECT_TRUE(uploader_->detail().empty());
  EXPECT_EQ(probe_.upload_failures, 3U);
}

TEST_F(UploaderTest, PausesGrowAndAreSpreadOut) {
  const std::vector<std::pair<std::chrono::milliseconds, std::chrono::milliseconds>> bounds{
      {750ms, 1250ms},      {1500ms, 2500ms},     {3750ms, 6250ms},
      {11'250ms, 18'750ms}, {22'500ms, 37'500ms}, {22'500ms, 37'500ms}};
  store_->fail_next(is_put, {Category::retry_later, "503", {}}, 100);
  ASSERT_TRUE(uploader_->start(object(1), record_).has_value());
  for (const auto& [least, most] : bounds) {
    ASSERT_EQ(finish(), UploadNews::failed);
    const auto pause = uploader_->next_attempt() - clock_.steady_now();
    EXPECT_GE(pause, least);
    EXPECT_LE(pause, most);
    wait_for_retry();
  }
}

TEST_F(UploaderTest, TheStoresWishToBeLeftAloneIsHonoured) {
  store_->fail_next(is_put, {Category::throttled, "slow down", 60'000ms});
  ASSERT_TRUE(uploader_->start(object(1), record_).has_value());
  ASSERT_EQ(finish(), UploadNews::failed);
  EXPECT_GE(uploader_->next_attempt() - clock_.steady_now(), 60s);
}

TEST_F(UploaderTest, AnObjectThatCannotBeReadForComparisonIsAskedForAgain) {
  put(1, file(1, 9, earlier_run_));
  store_->fail_next([](const Operation& o) { return o.kind == OperationKind::get; },
                    {Category::retry_later, "503", {}});
  ASSERT_TRUE(uploader_->start(object(5), record_).has_value());
  EXPECT_EQ(finish(), UploadNews::failed);
  EXPECT_EQ(uploader_->state(), UploadState::waiting);
  wait_for_retry();
  EXPECT_EQ(finish(), UploadNews::adopted);
}

TEST_F(UploaderTest, AnAcknowledgementThatCannotBeRecordedIsTriedAgain) {
  auto other = sqlite::Connection::open(dir_ / "state.db", sqlite::OpenMode::read_write);
  ASSERT_TRUE(other->execute("ALTER TABLE page_index RENAME TO away").has_value());
  ASSERT_TRUE(uploader_->start(object(1), record_).has_value());
  EXPECT_EQ(finish(), UploadNews::failed);
  EXPECT_EQ(record_.txid.value, 0U);
  EXPECT_EQ(uploader_->uploads(), 0U);
  ASSERT_TRUE(other->execute("ALTER TABLE away RENAME TO page_index").has_value());
  EXPECT_EQ(recorded().txid.value, 0U) << "all of it or nothing";
  wait_for_retry();
  EXPECT_EQ(finish(), UploadNews::stored);
  EXPECT_EQ(recorded().txid.value, 1U);
}

TEST_F(UploaderTest, AnAnswerThatNobodyWaitsForIsNoNews) {
  acknowledge_first();
  const auto news = uploader_->on_answer(PutAnswer{storage::PutResult{}}, record_);
  ASSERT_TRUE(news.has_value());
  EXPECT_EQ(*news, UploadNews::none);
  EXPECT_EQ(record_.txid.value, 1U);
}

}  // namespace
}  // namespace engine
