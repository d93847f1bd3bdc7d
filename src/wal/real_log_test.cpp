// The parsers against bytes that SQLite itself writes, for every page size.
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>

#include <gtest/gtest.h>
#include <sqlite3.h>

#include "base/check.h"
#include "wal/frames.h"
#include "wal/index.h"

namespace wal {
namespace {

namespace fs = std::filesystem;

class RealLog : public ::testing::TestWithParam<std::uint32_t> {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "lm-wal-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
    ASSERT_EQ(sqlite3_open((directory_ / "x.db").c_str(), &db_), SQLITE_OK);
    run("PRAGMA page_size=" + std::to_string(GetParam()) + "; PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0;");
  }
  void TearDown() override {
    sqlite3_close(db_);
    fs::remove_all(directory_);
  }

  void run(const std::string& sql) {
    ASSERT_EQ(sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(db_);
  }
  [[nodiscard]] base::Bytes read(std::string_view suffix) const {
    std::ifstream in(fs::path(directory_ / "x.db").concat(suffix), std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  [[nodiscard]] IndexHeader index() const {
    const auto header = parse_index(read("-shm"));
    CHECK(header.has_value());
    return *header;
  }

  fs::path directory_;
  sqlite3* db_ = nullptr;
};

struct Walk {
  std::uint32_t frames = 0;
  std::uint32_t commits = 0;
  std::uint32_t page_count = 0;
  Checksum checksum;
};

Walk walk(const base::Bytes& log, std::uint32_t max_frame) {
  const auto header = parse_log_header(log);
  CHECK(header.has_value());
  ChainWalker walker(header->salts, header->big_endian_checksums, header->page_size, header->checksum);
  CommitCounter counter;
  Walk result;
  const std::size_t frame_bytes = kFrameHeaderBytes + header->page_size;
  while (result.frames < max_frame) {
    const auto offset = static_cast<std::size_t>(frame_offset(result.frames + 1, header->page_size));
    if (offset + frame_bytes > log.size()) break;
    const base::ByteView frame = base::ByteView(log).subspan(offset, frame_bytes);
    const auto parsed = walker.next(frame);
    if (!parsed) break;
    ++result.frames;
    counter.add(*parsed, frame.subspan(kFrameHeaderBytes));
    if (parsed->is_commit()) result.page_count = parsed->commit_page_count;
  }
  result.commits = counter.commits();
  result.checksum = walker.checksum();
  return result;
}

TEST_P(RealLog, ChainEndsInTheIndexsChecksum) {
  run("CREATE TABLE t(a);");
  for (int i = 0; i < 20; ++i) run("INSERT INTO t VALUES(randomblob(3000));");
  const IndexHeader header = index();
  const base::Bytes log = read("-wal");
  EXPECT_EQ(header.page_size, GetParam());
  EXPECT_EQ(parse_log_header(log)->page_size, GetParam());
  EXPECT_EQ(parse_log_header(log)->salts, header.salts);
  EXPECT_EQ(parse_log_header(log)->big_endian_checksums, header.big_endian_checksums);
  const Walk walked = walk(log, header.max_frame);
  EXPECT_EQ(walked.frames, header.max_frame);
  EXPECT_EQ(walked.checksum, header.frame_checksum);
  EXPECT_EQ(walked.page_count, header.page_count);
  EXPECT_EQ(header.change_counter, walked.commits);
}

TEST_P(RealLog, SizeIsWrittenInFullInTheLogAndFoldedInTheIndex) {
  run("CREATE TABLE t(a);");
  const base::Bytes log = read("-wal");
  const base::Bytes shm = read("-shm");
  EXPECT_EQ(base::load_be32(log.data() + 8), GetParam());
  EXPECT_EQ(base::load_native16(shm.data() + 14), GetParam() == 65536 ? 1 : GetParam());
}

TEST_P(RealLog, FramesOfTheGenerationBeforeFollowTheValidOnes) {
  run("CREATE TABLE t(a);");
  for (int i = 0; i < 10; ++i) run("INSERT INTO t VALUES(randomblob(3000));");
  const std::uint32_t before = index().max_frame;
  run("PRAGMA wal_checkpoint(PASSIVE);");
  EXPECT_EQ(index().backfilled, before);
  run("UPDATE t SET a = 1 WHERE rowid = 1;");
  const IndexHeader header = index();
  const base::Bytes log = read("-wal");
  ASSERT_LT(header.max_frame, before);
  EXPECT_GT(log.size(), frame_offset(header.max_frame + 1, GetParam()));
  EXPECT_EQ(walk(log, before).frames, header.max_frame);
  EXPECT_EQ(header.backfilled, 0U);
}

TEST_P(RealLog, UncommittedFramesAreInTheFileButNotInTheIndex) {
  run("CREATE TABLE t(a); PRAGMA cache_size=10;");
  const std::uint32_t committed = index().max_frame;
  run("BEGIN;");
  for (int i = 0; i < 400; ++i) run("INSERT INTO t VALUES(randomblob(" + std::to_string(GetParam()) + "));");
  EXPECT_EQ(index().max_frame, committed);
  EXPECT_GT(walk(read("-wal"), 100'000).frames, committed);
  run("ROLLBACK;");
  EXPECT_EQ(index().max_frame, committed);
}

INSTANTIATE_TEST_SUITE_P(PageSizes, RealLog, ::testing::Values(512, 1024, 2048, 4096, 8192, 16384, 32768, 65536));

TEST(WalSpeed, OfTheChainIsPrinted) {
  constexpr int kRounds = 64;
  const base::Bytes bytes(std::size_t{1} << 20, 0x5a);  // in the cache, as frames are that were just read
  Checksum sum;
  for (const bool big_endian : {false, true}) {
    const auto start = std::chrono::steady_clock::now();
    for (int round = 0; round < kRounds; ++round) {
      for (std::size_t at = 0; at < bytes.size(); at += 4096) {
        sum = extend(sum, base::ByteView(bytes).subspan(at, 4096), big_endian);
      }
    }
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    std::cout << (big_endian ? "big" : "little")
              << "-endian checksum: " << static_cast<double>(bytes.size()) * kRounds / took.count() / 1e6 << " MB/s\n";
  }
  EXPECT_NE(sum, Checksum{});
}

}  // namespace
}  // namespace wal
