#include "engine/object_builder.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "engine/testing.h"
#include "ltx/decoder.h"
#include "ltx/provenance.h"

namespace engine {
namespace {

using engine::testing::checksum_of;
using engine::testing::Pages;
using engine::testing::put_page;

constexpr std::uint32_t kPageSize = 4096;
constexpr base::UnixMillis kNow{1'700'000'000'000};

struct Decoded {
  ltx::Header header;
  Pages pages;
};

base::Bytes bytes_of(const storage::Body& body) {
  base::Bytes bytes(body.size_bytes());
  CHECK(body.read_at(0, bytes).has_value());
  return bytes;
}

Decoded decode(const storage::Body& body) {
  const base::Bytes bytes = bytes_of(body);
  ltx::Decoder decoder(ltx::memory_source(bytes));
  Decoded result;
  result.header = decoder.read_header().value();
  for (auto page = decoder.next_page().value(); page; page = decoder.next_page().value()) {
    result.pages[page->page_number] = base::Bytes(page->data.begin(), page->data.end());
  }
  CHECK(decoder.finish().has_value());
  return result;
}

base::Bytes plain(std::uint8_t fill) {
  return base::Bytes(kPageSize, fill);
}

class ObjectBuilderTest : public ::testing::Test {
 protected:
  ObjectBuilderTest() {
    ledger_ = std::move(*Ledger::open(dir_ / "state.db"));
    record_ = *ledger_->find_or_create(base::DatabaseId{"id"}, database_.string(), kNow);
    input_.acknowledged = &record_;
    input_.pages = &set_;
    input_.page_size = kPageSize;
    input_.position = {PositionKind::closed, {}};
    input_.now = kNow;
    input_.lineage = 42;
    input_.database = database_;
    input_.staging_directory = dir_.path();
  }

  base::Result<std::optional<BuiltObject>> build(std::uint32_t page_count) {
    input_.page_count = page_count;
    return build_object(input_, *ledger_);
  }
  BuiltObject built(std::uint32_t page_count) {
    auto object = build(page_count);
    CHECK(object.has_value() && object->has_value());
    return std::move(**object);
  }
  // As the uploader does at 200: ledger, record, and the image that the bucket then gives.
  void store(const BuiltObject& object) {
    CHECK(ledger_->acknowledge(record_.row, object.acknowledgement).has_value());
    const Decoded file = decode(*object.body);
    if (file.header.is_snapshot()) image_.clear();
    for (const auto& [number, page] : file.pages) image_[number] = page;
    std::erase_if(image_, [&](const auto& item) { return item.first > file.header.commit; });
    record_ = *ledger_->find_or_create(base::DatabaseId{"id"}, database_.string(), kNow);
    set_.clear();
    input_.full_image = false;
  }
  void store_image(std::uint32_t page_count) {
    for (std::uint32_t page = 1; page <= page_count; ++page)
      put_page(set_, page, plain(static_cast<std::uint8_t>(page)));
    input_.full_image = true;
    store(built(page_count));
  }

  os::testing::TempDir dir_;
  std::filesystem::path database_ = dir_ / "x.db";
  std::unique_ptr<Ledger> ledger_;
  ClientRecord record_;
  PageSet set_{dir_.path(), std::uint64_t{1} << 30};
  BuildInput input_;
  Pages image_;
};

TEST_F(ObjectBuilderTest, TheFirstImageIsTxidOneAtLevelZero) {
  for (std::uint32_t page = 1; page <= 3; ++page) put_page(set_, page, plain(7));
  input_.full_image = true;
  const BuiltObject object = built(3);
  EXPECT_EQ(object.min.value, 1U);
  EXPECT_EQ(object.max.value, 1U);
  EXPECT_EQ(object.level.value, 0U);
  const Decoded file = decode(*object.body);
  EXPECT_EQ(file.header.commit, 3U);
  EXPECT_EQ(file.header.timestamp, kNow);
  EXPECT_EQ(file.header.min_txid.value, 1U);
  EXPECT_EQ(file.pages.size(), 3U);
  EXPECT_TRUE(object.acknowledgement.replaces_index);
}

TEST_F(ObjectBuilderTest, ProvenanceCarriesLineageAndTheChecksumOfTheWholeDatabase) {
  store_image(5);
  put_page(set_, 2, plain(99));
  const BuiltObject object = built(5);
  store(object);
  const auto who = ltx::provenance(decode(*object.body).header);
  ASSERT_TRUE(who.has_value());
  EXPECT_EQ(who->lineage, 42U);
  EXPECT_EQ(who->database_checksum, checksum_of(image_));
  EXPECT_EQ(record_.database_checksum, checksum_of(image_));
}

TEST_F(ObjectBuilderTest, HoldsOnlyPagesThatDiffer) {
  store_image(5);
  put_page(set_, 2, plain(99));
  put_page(set_, 3, plain(3));  // as it was
  const BuiltObject object = built(5);
  EXPECT_EQ(object.max.value, 2U);
  EXPECT_EQ(object.min.value, 2U);
  const Decoded file = decode(*object.body);
  EXPECT_EQ(file.pages.size(), 1U);
  EXPECT_EQ(file.pages.at(2), plain(99));
}

TEST_F(ObjectBuilderTest, NothingIsMadeIfNothingDiffers) {
  store_image(5);
  EXPECT_FALSE(build(5)->has_value());
  put_page(set_, 3, plain(3));
  EXPECT_FALSE(build(5)->has_value());
}

TEST_F(ObjectBuilderTest, AnAttemptIsSettledEvenIfNothingDiffers) {
  store_image(5);
  put_page(set_, 1, plain(1));
  input_.must_store = true;
  const BuiltObject object = built(5);
  const Decoded file = decode(*object.body);
  EXPECT_EQ(file.pages, (Pages{{1, plain(1)}}));
  EXPECT_EQ(object.acknowledgement.database_checksum, checksum_of(image_));
}

TEST_F(ObjectBuilderTest, SettlingNeedsPageOneAtHand) {
  store_image(5);
  input_.must_store = true;
  const auto object = build(5);
  ASSERT_FALSE(object.has_value());
  EXPECT_EQ(object.error().category, base::Category::invalid);
}

TEST_F(ObjectBuilderTest, GrowthThatNobodyWroteIsTakenFromTheFile) {
  store_image(2);
  std::string file(std::size_t{3} * kPageSize, '\0');
  std::fill(file.begin() + 2 * kPageSize, file.end(), 'f');
  os::testing::write_text(database_, file);
  put_page(set_, 5, plain(5));
  const BuiltObject object = built(5);
  const Decoded decoded = decode(*object.body);
  EXPECT_EQ(decoded.pages, (Pages{{3, plain('f')}, {4, plain(0)}, {5, plain(5)}}));
  store(object);
  EXPECT_EQ(record_.database_checksum, checksum_of(image_));
}

TEST_F(ObjectBuilderTest, GrowthOverTheLockPageLeavesItOut) {
  constexpr std::uint32_t kLargest = 65536;
  const std::uint32_t lock = ltx::lock_page(kLargest);
  Acknowledgement below;
  below.txid = base::Txid{1};
  below.page_size = kLargest;
  below.page_count = lock - 1;
  below.replaces_index = true;
  for (std::uint32_t page = 1; page < lock; ++page) below.pages.push_back({page, page});
  ASSERT_TRUE(ledger_->acknowledge(record_.row, below).has_value());
  record_ = *ledger_->find_or_create(base::DatabaseId{"id"}, database_.string(), kNow);
  os::testing::write_text(database_, "");
  input_.page_size = kLargest;
  put_page(set_, lock + 2, base::Bytes(kLargest, 7));
  const Decoded file = decode(*built(lock + 2).body);
  EXPECT_EQ(file.header.commit, lock + 2);
  EXPECT_EQ(file.pages, (Pages{{lock + 1, base::Bytes(kLargest, 0)}, {lock + 2, base::Bytes(kLargest, 7)}}));
}

TEST_F(ObjectBuilderTest, AShrunkDatabaseIsAnObjectAndItsChecksumLosesThePages) {
  store_image(600);
  const BuiltObject object = [&] {
    put_page(set_, 1, plain(77));
    return built(300);
  }();
  EXPECT_EQ(decode(*object.body).header.commit, 300U);
  store(object);
  EXPECT_EQ(image_.size(), 300U);
  EXPECT_EQ(record_.database_checksum, checksum_of(image_));
}

TEST_F(ObjectBuilderTest, ShrinkingAndGrowingAgainKeepsTheChecksumRight) {
  store_image(600);
  put_page(set_, 1, plain(77));
  store(built(300));
  for (std::uint32_t page = 301; page <= 310; ++page) put_page(set_, page, plain(8));
  store(built(310));
  EXPECT_EQ(record_.database_checksum, checksum_of(image_));
  const auto index = *ledger_->page_index(record_.row, record_.page_count);
  ltx::DatabaseChecksum sum;
  for (const std::uint64_t checksum : index) sum.toggle(checksum);
  EXPECT_EQ(sum.value(), record_.database_checksum);
}

TEST_F(ObjectBuilderTest, PagesAboveTheSizeAreLeftOut) {
  store_image(3);
  put_page(set_, 2, plain(9));
  put_page(set_, 4, plain(9));
  EXPECT_EQ(decode(*built(3).body).pages.size(), 1U);
}

TEST_F(ObjectBuilderTest, AnImageWithAHoleIsRefused) {
  put_page(set_, 1, plain(1));
  put_page(set_, 3, plain(1));
  input_.full_image = true;
  const auto object = build(3);
  ASSERT_FALSE(object.has_value());
  EXPECT_EQ(object.error().category, base::Category::invalid);
}

TEST_F(ObjectBuilderTest, AnotherPageSizeBecomesASnapshotThatReplacesTheChain) {
  store_image(3);
  input_.page_size = 8192;
  input_.full_image = true;
  for (std::uint32_t page = 1; page <= 2; ++page) put_page(set_, page, base::Bytes(8192, 5));
  const BuiltObject object = built(2);
  EXPECT_EQ(object.level, base::kSnapshotLevel);
  EXPECT_EQ(object.min.value, 1U);
  EXPECT_EQ(object.max.value, 2U);
  store(object);
  EXPECT_EQ(record_.page_size, 8192U);
  EXPECT_EQ(record_.database_checksum, checksum_of(image_));
}

TEST_F(ObjectBuilderTest, ALargeObjectIsStagedWithoutANameAndHoldsTheSameBytes) {
  const auto pages = static_cast<std::uint32_t>(kMemoryObjectBytes / kPageSize + 20);
  base::Bytes page(kPageSize);
  for (std::uint32_t number = 1; number <= pages; ++number) {
    for (std::size_t i = 0; i < page.size(); i += 8) base::store_be64(page.data() + i, base::random_u64());
    put_page(set_, number, page);
  }
  input_.full_image = true;
  const BuiltObject object = built(pages);
  EXPECT_GT(object.body->size_bytes(), kMemoryObjectBytes);
  for (const auto& entry : std::filesystem::directory_iterator(dir_.path())) {
    EXPECT_FALSE(entry.path().filename().string().starts_with("object-"));
  }
  const Decoded file = decode(*object.body);
  ASSERT_EQ(file.pages.size(), pages);
  EXPECT_EQ(checksum_of(file.pages), object.acknowledgement.database_checksum);
  base::Bytes part(1000);
  ASSERT_TRUE(object.body->read_at(5000, part).has_value());
  const base::Bytes all = bytes_of(*object.body);
  EXPECT_TRUE(std::equal(part.begin(), part.end(), all.begin() + 5000));
  EXPECT_FALSE(object.body->read_at(all.size() - 10, part).has_value()) << "past its end";
}

}  // namespace
}  // namespace engine
