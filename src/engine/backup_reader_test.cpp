#include "engine/backup_reader.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <functional>
#include <thread>
#include <utility>

#include <gtest/gtest.h>

#include "engine/restore.h"
#include "engine/restore_preview.h"
#include "engine/restore_testing.h"
#include "os/testing.h"
#include "storage/memory_store.h"

namespace engine {
namespace {

using base::Category;
using testing::BackupMaker;
using testing::key;
using testing::kPageSize;
using testing::kReplica;

class BackupReaderTest : public ::testing::Test {
 protected:
  std::unique_ptr<BackupReader> opened(const BackupReadOptions& options = {}) {
    auto reader = BackupReader::open(store_, kReplica, options);
    if (!reader) ADD_FAILURE() << reader.error().message;
    return reader ? *std::move(reader) : nullptr;
  }
  static base::Bytes read(BackupReader& reader, std::uint64_t offset, std::size_t length) {
    base::Bytes bytes(length);
    const auto done = reader.read_at(offset, bytes);
    if (!done) ADD_FAILURE() << done.error().message;
    return bytes;
  }
  static base::Bytes page(BackupReader& reader, std::uint32_t number) {
    return read(reader, std::uint64_t{number - 1} * kPageSize, kPageSize);
  }
  static base::Bytes whole(BackupReader& reader) {
    return read(reader, 0, static_cast<std::size_t>(reader.size_bytes()));
  }
  std::uint64_t received() const { return store_.counts().bytes_received; }
  std::uint64_t get_requests() const { return store_.counts().get; }
  void damage(const std::string& object_key, std::size_t offset) {
    base::Bytes bytes = *store_.peek(object_key);
    bytes[offset] ^= 1;
    backup_.put(object_key, bytes);
  }
  void remove(const std::string& object_key) {
    ASSERT_TRUE(storage::remove_and_wait(store_, {base::ObjectKey{object_key}}));
  }

  os::testing::TempDir directory_;
  storage::MemoryStore store_;
  BackupMaker backup_{store_};
};

TEST_F(BackupReaderTest, EveryStateReadsAsItWasInAnyOrderAndAcrossPages) {
  backup_.write(1, 900);
  backup_.write(5, 5);
  backup_.write(300, 700);
  backup_.write(850, 1000);
  backup_.write(10, 12);
  for (std::uint64_t txid = 1; txid <= 5; ++txid) {
    auto reader = opened({.target = {.txid = base::Txid{txid}, .before = {}}});
    ASSERT_TRUE(reader);
    EXPECT_EQ(reader->state().txid.value, txid);
    const base::Bytes expected = backup_.file(txid);
    ASSERT_EQ(reader->size_bytes(), expected.size());
    std::uint64_t random = txid;
    for (int i = 0; i < 200; ++i) {
      random = random * 6364136223846793005U + 1442695040888963407U;
      const std::size_t offset = (random >> 20) % (expected.size() - 10'000);
      const std::size_t length = (random >> 50) % 10'000 + 1;
      const auto begin = expected.begin() + static_cast<std::ptrdiff_t>(offset);
      ASSERT_EQ(read(*reader, offset, length), base::Bytes(begin, begin + static_cast<std::ptrdiff_t>(length)));
    }
    EXPECT_EQ(whole(*reader), expected);
    base::Bytes beyond(1);
    EXPECT_EQ(reader->read_at(expected.size(), beyond).error().category, Category::invalid);
  }
}

TEST_F(BackupReaderTest, APageOfALargeDatabaseCostsItsIndexAndAFewNeighbours) {
  backup_.write(1, 20'000);
  backup_.write(77, 77);
  auto reader = opened();
  ASSERT_TRUE(reader);
  const std::uint64_t index_bytes = received();
  EXPECT_LT(index_bytes, 500'000U);
  const std::uint64_t index_gets = get_requests();
  EXPECT_LE(index_gets, 4U);
  EXPECT_EQ(page(*reader, 10'000), backup_.pages().at(10'000));
  EXPECT_EQ(get_requests(), index_gets + 1);
  EXPECT_LT(received() - index_bytes, 70'000U);
  EXPECT_EQ(page(*reader, 9'999), backup_.pages().at(9'999));
  EXPECT_EQ(page(*reader, 77), backup_.pages().at(77));
  EXPECT_EQ(get_requests(), index_gets + 1) << "neighbours came along, and small objects whole";
}

TEST_F(BackupReaderTest, AScanTakesFewRequestsAndEachByteOnce) {
  backup_.write(1, 8'000);
  auto reader = opened();
  ASSERT_TRUE(reader);
  for (std::uint32_t number = 1; number <= 8'000; ++number) {
    ASSERT_EQ(page(*reader, number), backup_.pages().at(number));
  }
  EXPECT_LT(received(), 8'200U * kPageSize);
  EXPECT_LT(get_requests(), 60U);
  EXPECT_LT(reader->counts().fetches, 16U) << "what is waited for one after the other";
  EXPECT_EQ(reader->counts().fetched_again, 0U);
}

TEST_F(BackupReaderTest, TheCacheIsBoundedAndWhatWasLetGoIsFetchedAgain) {
  backup_.write(1, 2'000);
  auto reader = opened({.cache_bytes = 64 * kPageSize});
  ASSERT_TRUE(reader);
  EXPECT_EQ(whole(*reader), backup_.file(1));
  EXPECT_EQ(whole(*reader), backup_.file(1));
  EXPECT_GT(reader->counts().fetched_again, 1'800U);
  auto tiny = opened({.cache_bytes = 1});
  ASSERT_TRUE(tiny);
  EXPECT_EQ(page(*tiny, 1'000), backup_.pages().at(1'000));
}

TEST_F(BackupReaderTest, WhatASecondQueryWantsIsInTheDirectoryOfTheFirst) {
  backup_.write(1, 5'000);
  auto shelf = PageShelf::open(directory_ / "cache", 1U << 30);
  ASSERT_TRUE(shelf);
  {
    auto reader = opened({.shelf = &*shelf});
    ASSERT_TRUE(reader);
    EXPECT_EQ(page(*reader, 3'000), backup_.pages().at(3'000));
  }
  const std::uint64_t before = received();
  auto reader = opened({.shelf = &*shelf});
  ASSERT_TRUE(reader);
  EXPECT_EQ(page(*reader, 3'000), backup_.pages().at(3'000));
  EXPECT_EQ(reader->counts().from_shelf, 1U);
  EXPECT_EQ(received() - before, 124U) << "header, and the trailer that says which file it is";
}

TEST_F(BackupReaderTest, PagesOfABucketThatBeganAnewAreNotTakenFromTheDirectory) {
  backup_.write(1, 5'000);
  auto shelf = PageShelf::open(directory_ / "cache", 1U << 30);
  ASSERT_TRUE(shelf);
  ASSERT_TRUE(opened({.shelf = &*shelf}));
  EXPECT_EQ(page(*opened({.shelf = &*shelf}), 3'000), backup_.pages().at(3'000));
  storage::MemoryStore other;
  BackupMaker anew(other);
  testing::RestorePages pages;
  for (std::uint32_t number = 1; number <= 5'000; ++number) pages[number] = testing::noise(number, 99);
  anew.write(pages);
  auto reader = BackupReader::open(other, kReplica, {.shelf = &*shelf});
  ASSERT_TRUE(reader);
  EXPECT_EQ(page(**reader, 3'000), anew.pages().at(3'000));
}

TEST_F(BackupReaderTest, AnObjectThatGoesAwayBetweenTwoReadsIsPlannedAround) {
  backup_.write(1, 3'000);
  backup_.write(100, 2'000);
  auto reader = opened();
  ASSERT_TRUE(reader);
  EXPECT_EQ(page(*reader, 1), backup_.pages().at(1));
  // A merge holds the same, and retention takes its inputs.
  backup_.merge(1, 1, backup_.pages());
  remove(key(0, 1, 1));
  remove(key(0, 2, 2));
  EXPECT_EQ(whole(*reader), backup_.file(2));
  EXPECT_EQ(reader->counts().plans, 2U);
}

// Runs something when an object is first asked for: what another process does to the bucket in the middle of a plan.
class ChangingStore final : public storage::ObjectStore {
 public:
  ChangingStore(storage::MemoryStore& inner, std::string object, std::function<void()> change)
      : inner_(inner), object_(std::move(object)), change_(std::move(change)) {}
  void put(storage::PutRequest request, storage::CallContext context,
           storage::Callback<storage::PutResult> done) override {
    inner_.put(std::move(request), std::move(context), std::move(done));
  }
  void get(storage::GetRequest request, storage::CallContext context, storage::Callback<base::Bytes> done) override {
    if (request.key.value == object_ && change_) std::exchange(change_, nullptr)();
    inner_.get(std::move(request), std::move(context), std::move(done));
  }
  void head(base::ObjectKey object, storage::CallContext context,
            storage::Callback<storage::ObjectHead> done) override {
    inner_.head(std::move(object), std::move(context), std::move(done));
  }
  void list(storage::ListRequest request, storage::CallContext context,
            storage::Callback<storage::ListPage> done) override {
    inner_.list(std::move(request), std::move(context), std::move(done));
  }
  void remove(std::vector<base::ObjectKey> keys, storage::CallContext context,
              storage::Callback<std::vector<storage::RemoveFailure>> done) override {
    inner_.remove(std::move(keys), std::move(context), std::move(done));
  }
  storage::KeyLayout layout() const override { return inner_.layout(); }
  std::string display_url() const override { return inner_.display_url(); }
  storage::RequestCounts counts() const override { return inner_.counts(); }

 private:
  storage::MemoryStore& inner_;
  std::string object_;
  std::function<void()> change_;
};

TEST_F(BackupReaderTest, PagesOfAPlanThatFailedAreNotMixedIntoTheNewerStateThatIsReadInstead) {
  backup_.write(1, 1'000);
  for (int i = 0; i < 9; ++i) backup_.write(5, 9);
  ChangingStore store(store_, key(0, 1, 1), [this] {
    backup_.write(5, 6);
    backup_.write(7, 7);
    backup_.merge(9, 1, backup_.pages());
    for (std::uint64_t txid = 1; txid <= 12; ++txid) remove(key(0, txid, txid));
  });
  auto reader = BackupReader::open(store, kReplica, {});
  ASSERT_TRUE(reader) << reader.error().message;
  EXPECT_EQ((*reader)->state().txid.value, 12U);
  EXPECT_EQ((*reader)->counts().plans, 2U) << "TXID 10 was begun with";
  EXPECT_EQ(whole(**reader), backup_.file(12));
}

TEST_F(BackupReaderTest, AnotherPlanThatCannotBeMappedLeavesTheOneThatIs) {
  backup_.write(1, 1'000);
  backup_.write(500, 1'000);
  auto reader = opened({.cache_bytes = 1});
  ASSERT_TRUE(reader);
  const base::Bytes first = *store_.peek(key(0, 1, 1));
  const base::Bytes second = *store_.peek(key(0, 2, 2));
  const std::string merged = key(9, 1, 2);
  backup_.merge(9, 1, backup_.pages());
  damage(merged, store_.peek(merged)->size() - 1'000);  // inside its index
  remove(key(0, 1, 1));
  remove(key(0, 2, 2));
  base::Bytes bytes(10);
  const auto done = reader->read_at(999 * kPageSize, bytes);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().category, Category::corrupt) << done.error().message;
  EXPECT_EQ(reader->objects(), 2U);
  backup_.put(key(0, 1, 1), first);
  backup_.put(key(0, 2, 2), second);
  EXPECT_EQ(whole(*reader), backup_.file(2));
}

TEST_F(BackupReaderTest, AStateThatIsGoneSaysSo) {
  backup_.write(1, 3'000);
  auto reader = opened();
  ASSERT_TRUE(reader);
  remove(key(0, 1, 1));
  backup_.write(1, 3'000);
  backup_.merge(9, 1, backup_.pages());
  base::Bytes bytes(10);
  const auto done = reader->read_at(0, bytes);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().category, Category::not_found);
  EXPECT_NE(done.error().message.find("was removed from the bucket while it was read"), std::string::npos)
      << done.error().message;
}

TEST_F(BackupReaderTest, AnotherHistoryUnderTheSameTxidIsNotMixedIn) {
  backup_.write(1, 3'000);
  auto reader = opened();
  ASSERT_TRUE(reader);
  EXPECT_EQ(page(*reader, 1), backup_.pages().at(1));
  remove(key(0, 1, 1));
  testing::RestorePages pages;
  for (std::uint32_t number = 1; number <= 3'000; ++number) pages[number] = testing::noise(number, 99);
  storage::MemoryStore other;
  BackupMaker anew(other);
  anew.write(pages);
  backup_.put(key(9, 1, 1), *other.peek(key(0, 1, 1)));
  base::Bytes bytes(kPageSize);
  const auto done = reader->read_at(2'000 * kPageSize, bytes);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().category, Category::conflict) << done.error().message;
}

TEST_F(BackupReaderTest, NoPageOfAnotherHistoryIsKeptByThePlanThatRefusesIt) {
  backup_.write(1, 3'000);
  backup_.write(5, 5);
  auto reader = opened();
  ASSERT_TRUE(reader);
  const base::Bytes first = *store_.peek(key(0, 1, 1));
  remove(key(0, 1, 1));
  storage::MemoryStore other;
  BackupMaker anew(other);
  testing::RestorePages pages;
  for (std::uint32_t number = 1; number <= 3'000; ++number) pages[number] = testing::noise(number, 99);
  anew.write(pages);
  anew.write(2'000, 2'003);  // small: read whole
  backup_.put(key(1, 1, 1), *other.peek(key(0, 1, 1)));
  backup_.put(key(0, 2, 2), *other.peek(key(0, 2, 2)));
  base::Bytes bytes(kPageSize);
  EXPECT_EQ(reader->read_at(1'000 * kPageSize, bytes).error().category, Category::conflict);
  backup_.put(key(0, 1, 1), first);
  EXPECT_EQ(page(*reader, 2'001), backup_.pages().at(2'001));
}

TEST_F(BackupReaderTest, ADamagedObjectIsDoneWithoutWhereOthersHoldTheSame) {
  backup_.write(1, 1'000);
  backup_.write(1, 500);
  backup_.merge(1, 1, backup_.pages());
  const std::string merged = key(1, 1, 2);
  damage(merged, store_.peek(merged)->size() - 1'000);  // inside its index
  auto reader = opened();
  ASSERT_TRUE(reader);
  EXPECT_EQ(whole(*reader), backup_.file(2));
  ASSERT_EQ(reader->damaged().size(), 1U);
  EXPECT_NE(reader->damaged().front().find(merged), std::string::npos);
}

TEST_F(BackupReaderTest, AFrameThatIsNotThePageIsCorruptAndNamesItsObject) {
  backup_.write(1, 1'000);
  damage(key(0, 1, 1), 100 + 3);  // the number of the first page
  auto reader = opened();
  ASSERT_TRUE(reader);
  base::Bytes bytes(10);
  const auto done = reader->read_at(0, bytes);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().category, Category::corrupt);
  EXPECT_TRUE(done.error().message.starts_with(key(0, 1, 1))) << done.error().message;
}

TEST_F(BackupReaderTest, NoDamageOfAnObjectIsACrashOrAWrongPageOfASmallOne) {
  backup_.write(1, 200);
  backup_.write(3, 9);
  const std::array<std::string, 2> keys{key(0, 1, 1), key(0, 2, 2)};
  std::uint64_t random = 7;
  unsigned failures = 0;
  for (int round = 0; round < 400; ++round) {
    const std::string& object = keys.at(static_cast<std::size_t>(round % 2));
    const base::Bytes sound = *store_.peek(object);
    base::Bytes bytes = sound;
    random = random * 6364136223846793005U + 1442695040888963407U;
    // Header and index more often than pages.
    const std::size_t at = round % 4 < 2 ? (random >> 20) % bytes.size() : bytes.size() - 1 - (random >> 20) % 1'500;
    bytes[at] ^= static_cast<std::uint8_t>(1U << (random >> 61));
    if (round % 50 == 9) bytes.resize(at);
    backup_.put(object, bytes);
    auto reader = BackupReader::open(store_, kReplica, {});
    base::Bytes read(static_cast<std::size_t>(reader ? (*reader)->size_bytes() : 0));
    const auto done = reader ? (*reader)->read_at(0, read) : base::fail(reader.error());
    failures += done ? 0U : 1U;
    if (done && object == keys[1]) {
      EXPECT_EQ(read, backup_.file(2)) << "an object that is read whole is proven";
    }
    backup_.put(object, sound);
  }
  EXPECT_GT(failures, 200U);
}

TEST_F(BackupReaderTest, AStopEndsTheWaitForAStoreThatDoesNotAnswer) {
  backup_.write(1, 1'000);
  std::stop_source stop;
  auto reader = opened({.context = {.deadline = {}, .stop = stop.get_token()}});
  ASSERT_TRUE(reader);
  store_.pause();
  std::jthread stopper([&] { stop.request_stop(); });
  base::Bytes bytes(10);
  const auto done = reader->read_at(0, bytes);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().category, Category::cancelled);
}

// Both encodings of pages, files of the reference's own daemon and encoder, merged ones among them.
TEST_F(BackupReaderTest, GoldenFilesOfTheReferenceReadAsTheyAreRestored) {
  namespace fs = std::filesystem;
  unsigned states = 0;
  for (const char* set : {"official-0.5.17", "official-0.5.17-fresh", "frame-litestream", "block-litestream"}) {
    storage::MemoryStore store;
    BackupMaker maker(store);
    const fs::path folder = fs::path(LM_TEST_DATA_DIR) / "ltx" / set;
    for (const auto& entry : fs::recursive_directory_iterator(folder)) {
      if (entry.path().extension() != ".ltx") continue;
      const std::string level = entry.path().parent_path().filename().string();
      const std::string bytes = os::testing::read_text(entry.path());
      maker.put(std::string(kReplica) + "/000" + level + "/" + entry.path().filename().string(),
                base::Bytes(bytes.begin(), bytes.end()));
    }
    const auto points = list_points(store, kReplica, 0, {});
    ASSERT_TRUE(points) << set << ": " << points.error().message;
    for (const StoredPoint& point : points->points) {
      const history::RestoreTarget target{.txid = point.txid, .before = {}};
      RestoreOptions options;
      options.output = directory_ / (std::string(set) + std::to_string(point.txid.value));
      options.target = target;
      options.integrity_check = IntegrityCheck::none;
      ASSERT_TRUE(restore(store, kReplica, options));
      const std::string restored = os::testing::read_text(options.output);
      auto reader = BackupReader::open(store, kReplica, {.target = target});
      ASSERT_TRUE(reader) << reader.error().message;
      EXPECT_EQ(whole(**reader), base::Bytes(restored.begin(), restored.end())) << set << point.txid.value;
      ++states;
    }
  }
  EXPECT_GT(states, 12U);
}

TEST_F(BackupReaderTest, NoBackupAndNoSuchStateAreNotFound) {
  EXPECT_EQ(BackupReader::open(store_, kReplica, {}).error().category, Category::not_found);
  backup_.write(1, 10);
  const auto later = BackupReader::open(store_, kReplica, {.target = {.txid = base::Txid{9}, .before = {}}});
  ASSERT_FALSE(later);
  EXPECT_EQ(later.error().category, Category::not_found);
}

}  // namespace
}  // namespace engine
