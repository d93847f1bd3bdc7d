#include "engine/object_cache.h"

#include <gtest/gtest.h>

#include "os/testing.h"

namespace engine {
namespace {

const std::string kClient = "11111111-2222-3333-4444-555555555555";
const std::string kOther = "22222222-2222-3333-4444-555555555555";

storage::LtxName raw(std::uint64_t txid) {
  return {base::Level{0}, base::Txid{txid}, base::Txid{txid}};
}

class ObjectCacheTest : public ::testing::Test {
 protected:
  void open(const std::string& owner = "state", std::uint64_t quota = 1000) {
    cache_.reset();
    cache_ = std::make_unique<ObjectCache>(file_, owner, quota);
  }
  void put(std::uint64_t txid, std::size_t bytes, const std::string& client = kClient) {
    const std::vector<CachedObject> objects{{client, raw(txid), base::Bytes(bytes, std::uint8_t(txid))}};
    cache_->put(objects);
  }
  bool has(std::uint64_t txid, const std::string& client = kClient) {
    return cache_->get(client, raw(txid)).has_value();
  }

  os::testing::TempDir dir_;
  std::filesystem::path file_ = dir_ / "cache.db";
  std::unique_ptr<ObjectCache> cache_;
};

TEST_F(ObjectCacheTest, GivesBackWhatWasPutAlsoAfterARestart) {
  open();
  put(7, 100);
  open();
  EXPECT_EQ(cache_->get(kClient, raw(7)), base::Bytes(100, 7));
  EXPECT_EQ(cache_->size_bytes(), 100U);
  EXPECT_FALSE(has(7, kOther));
  EXPECT_FALSE(has(8));
  EXPECT_EQ(cache_->counts().hits, 1U);
  EXPECT_EQ(cache_->counts().misses, 2U);
}

TEST_F(ObjectCacheTest, TheOldestGoWhenTheQuotaIsReached) {
  open();
  for (std::uint64_t txid = 1; txid <= 15; ++txid) put(txid, 100);
  EXPECT_FALSE(has(5));
  EXPECT_TRUE(has(6));
  EXPECT_EQ(cache_->size_bytes(), 1000U);
}

TEST_F(ObjectCacheTest, WhatIsDroppedMakesRoom) {
  open();
  put(1, 600);
  cache_->drop(kClient, std::vector{raw(1), raw(2)});
  EXPECT_FALSE(has(1));
  EXPECT_EQ(cache_->size_bytes(), 0U);
}

TEST_F(ObjectCacheTest, OfTwoObjectsWithOneNameTheLaterIsGivenBack) {
  open();
  put(1, 300);
  put(1, 200);
  EXPECT_EQ(cache_->size_bytes(), 200U);
  EXPECT_EQ(cache_->get(kClient, raw(1))->size(), 200U);
  put(1, ObjectCache::kObjectBytesMax + 1);
  EXPECT_FALSE(has(1)) << "nothing is better than the wrong one";
}

TEST_F(ObjectCacheTest, OfAClientAllGoesAndNothingOfOthers) {
  open();
  for (std::uint64_t txid = 1; txid <= 5; ++txid) put(txid, 100);
  put(1, 70, kOther);
  cache_->drop(kClient);
  EXPECT_EQ(cache_->size_bytes(), 70U);
  EXPECT_FALSE(has(1));
  EXPECT_TRUE(has(1, kOther));
}

TEST_F(ObjectCacheTest, LargeObjectsAreLeftOut) {
  open("state", 1U << 30);
  put(1, ObjectCache::kObjectBytesMax + 1);
  EXPECT_FALSE(has(1));
  EXPECT_EQ(cache_->size_bytes(), 0U);
}

// Another state database may mean another bucket with other objects of the same names.
TEST_F(ObjectCacheTest, TheFileOfAnotherStateDatabaseIsThrownAway) {
  open("one");
  put(1, 100);
  open("two");
  EXPECT_FALSE(has(1));
  put(1, 100);
  EXPECT_TRUE(has(1));
}

TEST_F(ObjectCacheTest, ADamagedFileBeginsAnew) {
  open();
  for (std::uint64_t txid = 1; txid <= 9; ++txid) put(txid, 100);
  cache_.reset();
  std::string bytes = os::testing::read_text(file_);
  for (std::size_t i = 4096; i < bytes.size(); ++i) bytes[i] = 'x';
  os::testing::write_text(file_, bytes);
  open();
  for (std::uint64_t txid = 1; txid <= 9; ++txid) has(txid);
  put(1, 100);
  EXPECT_TRUE(has(1));
}

TEST_F(ObjectCacheTest, WithoutAPlaceToWriteThereIsNone) {
  os::testing::write_text(dir_ / "file", "");
  ObjectCache cache(dir_ / "file/cache.db", "state", 1000);
  const std::vector<CachedObject> objects{{kClient, raw(1), base::Bytes(5)}};
  cache.put(objects);
  EXPECT_EQ(cache.get(kClient, raw(1)), std::nullopt);
}

TEST_F(ObjectCacheTest, QuotaNothingMeansNoFile) {
  open("state", 0);
  put(1, 100);
  EXPECT_FALSE(has(1));
  EXPECT_FALSE(std::filesystem::exists(file_));
}

}  // namespace
}  // namespace engine
