#include "wal/index.h"

#include <gtest/gtest.h>

#include "wal/testing.h"

namespace wal {
namespace {

using testing::seal_index;
using testing::store_native32;

base::Bytes sample_index() {
  base::Bytes index(kIndexHeaderBytes);
  store_native32(index.data(), 3007000);
  store_native32(index.data() + 8, 17);
  index[12] = 1;
  index[13] = 1;
  const std::uint16_t page_size = 8192;
  std::memcpy(index.data() + 14, &page_size, sizeof page_size);
  store_native32(index.data() + 16, 42);
  store_native32(index.data() + 20, 99);
  store_native32(index.data() + 24, 0xaaaa0001);
  store_native32(index.data() + 28, 0xbbbb0002);
  base::store_be32(index.data() + 32, 0x11223344);
  base::store_be32(index.data() + 36, 0x55667788);
  seal_index(index);
  store_native32(index.data() + 96, 40);
  const std::array<std::uint32_t, 5> marks = {0, 10, 20, 30, kUnusedReadMark};
  for (std::size_t i = 0; i < marks.size(); ++i) store_native32(index.data() + 100 + 4 * i, marks[i]);
  return index;
}

TEST(WalIndex, FieldsAreReadFromTheirPlaces) {
  const auto header = parse_index(sample_index());
  ASSERT_TRUE(header.has_value());
  EXPECT_EQ(header->change_counter, 17U);
  EXPECT_TRUE(header->big_endian_checksums);
  EXPECT_EQ(header->page_size, 8192U);
  EXPECT_EQ(header->max_frame, 42U);
  EXPECT_EQ(header->page_count, 99U);
  EXPECT_EQ(header->frame_checksum, (Checksum{0xaaaa0001, 0xbbbb0002}));
  EXPECT_EQ(header->salts, (Salts{0x11223344, 0x55667788}));
  EXPECT_EQ(header->backfilled, 40U);
  EXPECT_EQ(header->read_marks, (std::array<std::uint32_t, 5>{0, 10, 20, 30, kUnusedReadMark}));
}

TEST(WalIndex, IsRefusedWhileItIsBeingWritten) {
  const base::Bytes good = sample_index();
  for (std::size_t i = 0; i < 96; ++i) {  // either copy alone changed: unequal
    base::Bytes damaged = good;
    damaged[i] ^= 0x04;
    EXPECT_FALSE(parse_index(damaged).has_value()) << "byte " << i;
  }
  for (std::size_t i = 0; i < 48; ++i) {  // both alike, but the checksum is wrong
    base::Bytes damaged = good;
    damaged[i] ^= 0x04;
    damaged[i + 48] ^= 0x04;
    EXPECT_FALSE(parse_index(damaged).has_value()) << "byte " << i;
  }
}

TEST(WalIndex, IsRefusedIfNotInitialisedOrUnknown) {
  const auto refused = [](auto&& change) {
    base::Bytes index = sample_index();
    change(index);
    seal_index(index);
    return !parse_index(index).has_value();
  };
  EXPECT_FALSE(refused([](base::Bytes&) {}));
  EXPECT_TRUE(refused([](base::Bytes& index) { index[12] = 0; }));
  EXPECT_TRUE(refused([](base::Bytes& index) { store_native32(index.data(), 3007001); }));
  EXPECT_TRUE(refused([](base::Bytes& index) { index[14] = 7; }));  // page size 8199
  EXPECT_FALSE(parse_index(base::Bytes(kIndexHeaderBytes, 0)).has_value());
  EXPECT_FALSE(parse_index(base::ByteView(sample_index()).first(kIndexHeaderBytes - 1)).has_value());
}

TEST(WalIndex, BackfillAndReadMarksAreNotPartOfACommit) {
  const IndexHeader header = *parse_index(sample_index());
  IndexHeader other = header;
  other.backfilled = 42;
  other.read_marks[1] = 1;
  EXPECT_TRUE(header.same_commit(other));
  ++other.change_counter;
  EXPECT_FALSE(header.same_commit(other));
}

}  // namespace
}  // namespace wal
