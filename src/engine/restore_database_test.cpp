#include "engine/restore_database.h"

#include <vector>

#include <gtest/gtest.h>

#include "ltx/checksum.h"
#include "ltx/encoder.h"

namespace engine {
namespace {

using base::Category;

base::Bytes encode(const ltx::Header& header, std::uint32_t first, std::uint32_t last, base::ByteView page,
                   std::uint64_t post_apply = 0) {
  base::Bytes out;
  ltx::Encoder encoder(header, [&](base::ByteView part) -> base::Result<> {
    out.insert(out.end(), part.begin(), part.end());
    return {};
  });
  base::Bytes block;
  ltx::compress_page(page, block);
  for (std::uint32_t number = first; number <= last; ++number) {
    EXPECT_TRUE(encoder.add_compressed(number, block, page));
  }
  EXPECT_TRUE(encoder.finish(post_apply));
  return out;
}

// Remembers where something was written and, if asked, what.
class RecordingSink final : public DatabaseSink {
 public:
  base::Result<> write_at(std::uint64_t offset, base::ByteView bytes) override {
    if (room_ < bytes.size()) return base::fail(Category::io, "disk full");
    room_ -= bytes.size();
    EXPECT_GE(offset, end_) << "written twice or backwards";
    if (offset > end_) holes_.push_back(end_);
    end_ = offset + bytes.size();
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.begin() + (keep_ ? std::ssize(bytes) : 0));
    return {};
  }
  base::Result<> set_size(std::uint64_t size_bytes) override {
    size_ = size_bytes;
    return {};
  }

  std::uint64_t room_ = UINT64_MAX;
  bool keep_ = false;
  std::uint64_t end_ = 0, size_ = 0;
  std::vector<std::uint64_t> holes_;  // where they begin
  base::Bytes bytes_;
};

class WriteDatabase : public testing::Test {
 protected:
  base::Result<WrittenDatabase> write(const std::vector<base::Bytes>& inputs,
                                      const storage::CallContext& context = {}) {
    std::vector<ltx::Source> sources;
    for (const base::Bytes& input : inputs) sources.push_back(ltx::memory_source(input));
    ltx::Merger merger(std::move(sources));
    return write_database(merger, sink_, context);
  }

  RecordingSink sink_;
};

ltx::Header header_of(std::uint64_t txid, std::uint32_t commit, std::uint32_t page_size) {
  ltx::Header header;
  header.page_size = page_size;
  header.commit = commit;
  header.min_txid = header.max_txid = base::Txid{txid};
  return header;
}

TEST_F(WriteDatabase, LockPageIsLeftForSetSizeToFill) {
  constexpr std::uint32_t kPageSize = 65536;
  const std::uint32_t lock = ltx::lock_page(kPageSize);
  const base::Bytes page(kPageSize, 0x5a);
  const base::Bytes beyond = encode(header_of(2, lock + 2, kPageSize), lock + 1, lock + 2, page);
  const base::Bytes up_to_lock = encode(header_of(1, lock, kPageSize), 1, lock - 1, page);
  ASSERT_TRUE(write({up_to_lock, beyond}));
  EXPECT_EQ(sink_.holes_, std::vector<std::uint64_t>{0x40000000});
  EXPECT_EQ(sink_.size_, std::uint64_t{lock + 2} * kPageSize);

  sink_ = {};
  ASSERT_TRUE(write({up_to_lock}));
  EXPECT_EQ(sink_.end_, 0x40000000U);
  EXPECT_EQ(sink_.size_, 0x40000000U + kPageSize) << "the lock page is the last";
}

TEST_F(WriteDatabase, SinksErrorIsPassedOn) {
  sink_.room_ = 1000;
  EXPECT_EQ(write({encode(header_of(1, 3, 512), 1, 3, base::Bytes(512))}).error().message, "disk full");
}

TEST_F(WriteDatabase, ChecksumIsThatOfThePagesWritten) {
  const base::Bytes page(512, 0x5a);
  sink_.keep_ = true;
  const auto written = write({encode(header_of(1, 3, 512), 1, 3, page)});
  ASSERT_TRUE(written);
  ltx::DatabaseChecksum expected;
  for (std::uint32_t n = 1; n <= 3; ++n) expected.toggle(ltx::page_checksum(n, page));
  EXPECT_EQ(written->checksum, expected.value());
  EXPECT_EQ(sink_.bytes_, base::Bytes(3U * 512, 0x5a));
}

TEST_F(WriteDatabase, DeletedDatabaseIsNotFound) {
  const base::Bytes page(512, 0x5a);
  ltx::Header deletion = header_of(2, 0, 512);
  deletion.flags = 0;
  deletion.pre_apply_checksum = ltx::kChecksumFlag | 1;
  const auto written =
      write({encode(header_of(1, 3, 512), 1, 3, page), encode(deletion, 1, 0, page, ltx::kChecksumFlag)});
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().category, Category::not_found);
  EXPECT_NE(written.error().message.find("deleted at TXID 0000000000000002"), std::string::npos);
}

TEST_F(WriteDatabase, EndsAtStopAndDeadline) {
  const std::vector<base::Bytes> inputs = {encode(header_of(1, 3, 512), 1, 3, base::Bytes(512))};
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(write(inputs, {.deadline = {}, .stop = stop.get_token()}).error().category, Category::cancelled);
  EXPECT_EQ(write(inputs, {.deadline = base::SteadyTime{}, .stop = {}}).error().category, Category::cancelled);
}

}  // namespace
}  // namespace engine
