#include "engine/bucket_position.h"

#include <future>

#include <gtest/gtest.h>

#include "ltx/encoder.h"
#include "storage/memory_store.h"

namespace engine {
namespace {

using base::Category;
using storage::MemoryStore;
using storage::OperationKind;

const std::string kReplica = "databases/11111111-2222-3333-4444-555555555555";

base::Bytes object(std::uint64_t min, std::uint64_t max, std::uint32_t commit, std::optional<std::uint64_t> checksum) {
  ltx::Header header;
  header.page_size = 512;
  header.commit = commit;
  header.min_txid = base::Txid{min};
  header.max_txid = base::Txid{max};
  header.timestamp = base::UnixMillis{1'700'000'000'000};
  if (checksum) ltx::set_provenance(header, {*checksum, 42});
  base::Bytes bytes;
  ltx::Encoder encoder(header, [&](base::ByteView part) -> base::Result<> {
    bytes.insert(bytes.end(), part.begin(), part.end());
    return {};
  });
  for (std::uint32_t page = 1; page <= commit; ++page) EXPECT_TRUE(encoder.add_page(page, base::Bytes(512, 1)));
  EXPECT_TRUE(encoder.finish());
  return bytes;
}

class BucketPositionTest : public ::testing::TestWithParam<storage::KeyLayout> {
 protected:
  void put(std::uint8_t level, std::uint64_t min, std::uint64_t max, base::Bytes bytes) {
    put_key(storage::ltx_key(store_.layout(), kReplica, {base::Level{level}, base::Txid{min}, base::Txid{max}}).value,
            std::move(bytes));
  }
  void put_key(const std::string& key, base::Bytes bytes) {
    const auto body = std::make_shared<storage::MemoryBody>(std::move(bytes));
    ASSERT_TRUE(storage::put_and_wait(store_, {.key = base::ObjectKey{key}, .body = body}));
  }
  base::Result<BucketPosition> find() {
    std::promise<base::Result<BucketPosition>> answer;
    find_bucket_position(store_, kReplica,
                         [&](base::Result<BucketPosition> found) { answer.set_value(std::move(found)); });
    return answer.get_future().get();
  }

  MemoryStore store_{GetParam()};
};

TEST_P(BucketPositionTest, OfAnEmptyPrefixIsZero) {
  const auto found = find();
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->newest.value, 0U);
  EXPECT_EQ(store_.counts().get, 0U);
}

TEST_P(BucketPositionTest, IsTheHighestTxidOfAllLevels) {
  put(0, 1, 1, object(1, 1, 2, 5));
  put(0, 4, 4, object(4, 4, 3, 6));
  put(2, 2, 6, object(2, 6, 4, 7));
  put(9, 1, 5, object(1, 5, 2, 8));
  const auto found = find();
  ASSERT_TRUE(found.has_value()) << found.error().message;
  EXPECT_EQ(found->newest.value, 6U);
  EXPECT_EQ(found->page_count, 4U);
  EXPECT_EQ(found->page_size, 512U);
  EXPECT_EQ(found->provenance, (ltx::Provenance{7, 42}));
}

TEST_P(BucketPositionTest, OfAnObjectThatSomebodyElseWroteHasNoProvenance) {
  put(0, 1, 1, object(1, 1, 2, std::nullopt));
  const auto found = find();
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->newest.value, 1U);
  EXPECT_FALSE(found->provenance.has_value());
}

TEST_P(BucketPositionTest, LooksPastForeignObjectsAndOtherClients) {
  put(0, 3, 3, object(3, 3, 2, 5));
  put_key(kReplica + "/notes.txt", {1});
  put_key(kReplica + "6/0000/0000000000000009-0000000000000009.ltx", {1});
  EXPECT_EQ(find()->newest.value, 3U);
}

TEST_P(BucketPositionTest, ReadsListingsOfManyPages) {
  for (int i = 0; i < 1100; ++i) put_key(kReplica + "/a" + std::to_string(1000 + i), {1});
  put(0, 1, 1, object(1, 1, 2, 5));
  EXPECT_EQ(find()->newest.value, 1U);
  EXPECT_EQ(store_.counts().list, 2U);
}

TEST_P(BucketPositionTest, CostsOneListAndTheHeadersBytes) {
  put(0, 1, 1, object(1, 1, 50, 5));
  const auto before = store_.counts();
  ASSERT_TRUE(find().has_value());
  EXPECT_EQ(store_.counts().list - before.list, 1U);
  EXPECT_EQ(store_.counts().get - before.get, 1U);
  EXPECT_EQ(store_.counts().bytes_received - before.bytes_received, ltx::kHeaderSize);
}

TEST_P(BucketPositionTest, ANewestObjectThatIsNoLtxFileTakesItsTxidAndCannotBeRestored) {
  put(0, 1, 1, object(1, 1, 2, 5));
  std::uint64_t txid = 1;
  for (const base::Bytes& damaged : {base::Bytes(200, 7), base::Bytes(3, 7), base::Bytes()}) {
    ++txid;
    put(0, txid, txid, damaged);
    const auto found = find();
    ASSERT_TRUE(found.has_value()) << found.error().message;
    EXPECT_EQ(found->newest.value, txid);
    EXPECT_FALSE(found->restorable);
    EXPECT_TRUE(found->plan.empty());
  }
}

TEST_P(BucketPositionTest, APlanLeadsToTheNewest) {
  put(0, 1, 1, object(1, 1, 2, 5));
  put(0, 2, 2, object(2, 2, 2, 5));
  EXPECT_EQ(find()->plan.size(), 2U);
  put(0, 4, 4, object(4, 4, 2, 5));
  EXPECT_TRUE(find()->plan.empty()) << "behind a hole";
  EXPECT_FALSE(find()->restorable);
}

TEST_P(BucketPositionTest, AnAuditTellsWhatStandsAfterWhatWeStored) {
  const auto audit = [this](std::uint64_t stored) {
    std::promise<base::Result<BucketAudit>> answer;
    audit_bucket(store_, kReplica, base::Txid{stored},
                 [&](base::Result<BucketAudit> found) { answer.set_value(std::move(found)); });
    return answer.get_future().get().value();
  };
  EXPECT_EQ(audit(3).newest.value, 0U);
  EXPECT_FALSE(audit(3).restorable);
  put(0, 1, 1, object(1, 1, 2, 5));
  put(0, 2, 2, object(2, 2, 2, 5));
  const auto before = store_.counts();
  const BucketAudit good = audit(2);
  EXPECT_TRUE(good.restorable && !good.next_is_taken && !good.beyond);
  EXPECT_EQ(store_.counts().list - before.list, 1U);
  EXPECT_EQ(store_.counts().get, before.get) << "one LIST is all it costs";
  EXPECT_EQ(audit(3).newest.value, 2U) << "an object was lost";
  EXPECT_TRUE(audit(1).next_is_taken);
  put(1, 3, 5, object(3, 5, 2, 5));
  const BucketAudit compacted = audit(2);
  EXPECT_FALSE(compacted.next_is_taken);
  ASSERT_TRUE(compacted.beyond && compacted.beyond_header);
  EXPECT_EQ(compacted.beyond->max.value, 5U);
  EXPECT_EQ(ltx::provenance(*compacted.beyond_header)->lineage, 42U);
}

TEST_P(BucketPositionTest, PassesTheStoresErrorsOn) {
  put(0, 1, 1, object(1, 1, 2, 5));
  for (const OperationKind kind : {OperationKind::list, OperationKind::get}) {
    store_.fail_next([kind](const storage::Operation& o) { return o.kind == kind; }, {Category::denied, "no", {}});
    const auto found = find();
    ASSERT_FALSE(found.has_value());
    EXPECT_EQ(found.error().category, Category::denied);
  }
}

INSTANTIATE_TEST_SUITE_P(Layouts, BucketPositionTest,
                         ::testing::Values(storage::KeyLayout::s3, storage::KeyLayout::file));

}  // namespace
}  // namespace engine
