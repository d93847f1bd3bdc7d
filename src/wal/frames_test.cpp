#include "wal/frames.h"

#include <gtest/gtest.h>

#include "wal/testing.h"

namespace wal {
namespace {

using testing::FrameSpec;
using testing::make_log;

TEST(Checksum, FollowsItsDefinitionInBothByteOrders) {
  base::Bytes bytes(104);  // more than one round of the unrolled loop, and a rest
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i * 37 + 11);
  for (const bool big_endian : {false, true}) {
    std::uint32_t s0 = 5;
    std::uint32_t s1 = 7;
    const auto word = [&](std::size_t at) {
      const std::uint32_t big = base::load_be32(bytes.data() + at);
      return big_endian ? big : __builtin_bswap32(big);
    };
    for (std::size_t i = 0; i < bytes.size(); i += 8) {
      s0 += word(i) + s1;
      s1 += word(i + 4) + s0;
    }
    EXPECT_EQ(extend({5, 7}, bytes, big_endian), (Checksum{s0, s1}));
  }
}

TEST(Checksum, CanBeTakenInPieces) {
  const base::Bytes bytes(64, 0xa5);
  const base::ByteView view = bytes;
  EXPECT_EQ(extend(extend({1, 2}, view.first(8), false), view.subspan(8), false), extend({1, 2}, view, false));
}

TEST(LogHeader, IsRefusedForEveryKindOfDamage) {
  const base::Bytes good = make_log(4096, false, {1, 2}, {});
  ASSERT_TRUE(parse_log_header(good).has_value());
  for (std::size_t i = 0; i < kHeaderBytes; ++i) {
    base::Bytes damaged = good;
    damaged[i] ^= 0x10;
    EXPECT_FALSE(parse_log_header(damaged).has_value()) << "byte " << i;
  }
  EXPECT_FALSE(parse_log_header(base::ByteView(good).first(31)).has_value());
  EXPECT_FALSE(parse_log_header(base::Bytes(kHeaderBytes, 0)).has_value());
}

TEST(LogHeader, PageSizeMustBeOneThatSqliteHas) {
  for (const std::uint32_t bytes : {512U, 1024U, 4096U, 32768U, 65536U}) {
    EXPECT_EQ(parse_log_header(make_log(bytes, true, {1, 2}, {}))->page_size, bytes);
  }
  for (const std::uint32_t bytes : {0U, 1U, 256U, 1000U, 131072U}) {
    EXPECT_FALSE(parse_log_header(make_log(bytes, false, {1, 2}, {})).has_value()) << bytes;
  }
}

// How many frames from the first continue the chain.
std::uint32_t chain_length(const base::Bytes& log) {
  const auto header = parse_log_header(log);
  if (!header) return 0;
  ChainWalker walker(header->salts, header->big_endian_checksums, header->page_size, header->checksum);
  const std::size_t frame_bytes = kFrameHeaderBytes + header->page_size;
  const base::ByteView view = log;
  for (std::uint32_t index = 1;; ++index) {
    const auto offset = static_cast<std::size_t>(frame_offset(index, header->page_size));
    if (offset >= log.size()) return index - 1;
    if (!walker.next(view.subspan(offset, std::min(frame_bytes, log.size() - offset)))) return index - 1;
  }
}

const std::vector<FrameSpec> kThreeFrames = {{1, 0, 'a'}, {2, 2, 'b'}, {3, 3, 'c'}};

TEST(WalChain, RunsToTheEndInBothByteOrders) {
  EXPECT_EQ(chain_length(make_log(512, false, {1, 2}, kThreeFrames)), 3U);
  EXPECT_EQ(chain_length(make_log(512, true, {1, 2}, kThreeFrames)), 3U);
}

TEST(WalChain, StopsAtFirstFrameWithWrongSalt) {
  base::Bytes log = make_log(512, false, {1, 2}, kThreeFrames);
  const base::Bytes other = make_log(512, false, {9, 2}, kThreeFrames);
  const auto second = static_cast<std::ptrdiff_t>(frame_offset(2, 512));
  std::copy(other.begin() + second, other.end(), log.begin() + second);
  EXPECT_EQ(chain_length(log), 1U);
}

TEST(WalChain, StopsAtEveryFlippedByteOfAFrame) {
  const base::Bytes good = make_log(512, false, {1, 2}, kThreeFrames);
  const auto second = static_cast<std::size_t>(frame_offset(2, 512));
  for (std::size_t i = second; i < second + kFrameHeaderBytes + 512; ++i) {
    base::Bytes damaged = good;
    damaged[i] ^= 0x01;
    EXPECT_EQ(chain_length(damaged), 1U) << "byte " << i;
  }
}

TEST(WalChain, StopsWhereTheFileIsCut) {
  const base::Bytes good = make_log(512, false, {1, 2}, kThreeFrames);
  for (std::size_t size = kHeaderBytes; size < good.size(); ++size) {
    const base::Bytes cut(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_EQ(chain_length(cut), (size - kHeaderBytes) / (kFrameHeaderBytes + 512)) << size;
  }
}

TEST(WalChain, RefusesPageNumberZero) {
  EXPECT_EQ(chain_length(make_log(512, false, {1, 2}, {{1, 1, 'a'}, {0, 1, 'b'}})), 1U);
}

TEST(WalChain, WalkerStaysWhereItWasAfterARefusal) {
  const base::Bytes log = make_log(512, false, {1, 2}, kThreeFrames);
  const auto header = parse_log_header(log);
  ChainWalker walker(header->salts, false, 512, header->checksum);
  const base::ByteView view = log;
  const auto frame = [&](std::uint32_t index) {
    return view.subspan(static_cast<std::size_t>(frame_offset(index, 512)), kFrameHeaderBytes + 512);
  };
  EXPECT_FALSE(walker.next(frame(2)).has_value());
  EXPECT_EQ(walker.checksum(), header->checksum);
  EXPECT_EQ(walker.next(frame(1))->page_number, 1U);
  EXPECT_TRUE(walker.next(frame(2))->is_commit());
}

TEST(FrameOffset, DoesNotOverflowWithLargePagesAndManyFrames) {
  EXPECT_EQ(frame_offset(1, 4096), 32U);
  EXPECT_EQ(frame_offset(2, 4096), 32U + 4120U);
  EXPECT_EQ(frame_offset(200'001, 65536), 32U + 200'000ULL * 65'560ULL);
}

struct CountCase {
  const char* name;
  std::vector<FrameSpec> frames;
  std::uint32_t commits;
};

TEST(CommitCounter, CountsARunOfPaddingFramesOnce) {
  const std::vector<CountCase> table = {
      {"nothing", {}, 0},
      {"unfinished transaction", {{1, 0, 'a'}, {2, 0, 'b'}}, 0},
      {"two commits", {{1, 2, 'a'}, {2, 2, 'b'}}, 2},
      {"padding repeats the commit frame", {{1, 0, 'x'}, {2, 2, 'a'}, {2, 2, 'a'}, {2, 2, 'a'}}, 1},
      {"same page, other bytes", {{2, 2, 'a'}, {2, 2, 'b'}}, 2},
      {"same page, other size", {{2, 2, 'a'}, {2, 3, 'a'}}, 2},
      {"other page, same bytes", {{1, 2, 'a'}, {2, 2, 'a'}}, 2},
      {"a transaction between", {{2, 2, 'a'}, {1, 0, 'b'}, {2, 2, 'a'}}, 2},
  };
  for (const CountCase& entry : table) {
    CommitCounter counter;
    for (const FrameSpec& frame : entry.frames) {
      const base::Bytes page(512, static_cast<std::uint8_t>(frame.fill));
      counter.add({.page_number = frame.page_number, .commit_page_count = frame.commit_page_count}, page);
    }
    EXPECT_EQ(counter.commits(), entry.commits) << entry.name;
  }
}

}  // namespace
}  // namespace wal
