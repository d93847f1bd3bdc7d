// Against logs that SQLite itself has written.
#include "engine/log_reader.h"

#include <gtest/gtest.h>

#include "engine/look.h"
#include "engine/testing.h"

namespace engine {
namespace {

using engine::testing::committed_pages;
using engine::testing::lay_over;
using engine::testing::open_file;
using engine::testing::Pages;
using engine::testing::pages_of_file;
using os::testing::TempDir;

constexpr std::uint32_t kPageSize = 4096;
constexpr std::size_t kFrame = wal::kFrameHeaderBytes + kPageSize;

class LogReaderTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto opened = sqlite::Connection::open(database_, sqlite::OpenMode::read_write_create);
    ASSERT_TRUE(opened.has_value());
    connection_ = std::make_unique<sqlite::Connection>(std::move(*opened));
    run("PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0; CREATE TABLE t(a INTEGER PRIMARY KEY, b BLOB)");
  }
  void run(const std::string& sql) const { ASSERT_TRUE(connection_->execute(sql).has_value()) << sql; }
  void insert(int bytes) const { run("INSERT INTO t(b) VALUES(randomblob(" + std::to_string(bytes) + "))"); }

  [[nodiscard]] std::filesystem::path log() const { return database_.string() + "-wal"; }
  [[nodiscard]] std::uint32_t max_frame() const {
    return (*read_index(open_file(database_.string() + "-shm")).value()).max_frame;
  }
  [[nodiscard]] LogPosition start() const { return *log_start(open_file(log())).value(); }
  [[nodiscard]] CommittedFrames read(const LogPosition& after, std::uint32_t to) const {
    return *read_committed(open_file(log()), {after, to});
  }
  // The database file with `frames` laid over it.
  [[nodiscard]] Pages applied(const CommittedFrames& frames) const {
    PageSet set({}, std::uint64_t{1} << 30);
    CHECK(copy_pages(open_file(log()), frames, set).has_value());
    Pages image = pages_of_file(database_);
    lay_over(image, set, kPageSize, frames.page_count);
    return image;
  }
  void damage_frame(std::uint32_t frame) const {
    std::string bytes = os::testing::read_text(log());
    bytes[(frame - 1) * kFrame + wal::kHeaderBytes + 1000] ^= 1;
    os::testing::write_text(dir_ / "damaged", bytes);
  }

  // As some versions of SQLite leave them: `unsummed` with frames `first` to `last` without salts and checksum, and
  // the chain begun anew behind them with `seed`.
  void make_unsummed(std::uint32_t first, std::uint32_t last, wal::Checksum seed) const {
    const std::string text = os::testing::read_text(log());
    base::Bytes bytes(text.begin(), text.end());
    const bool big_endian = start().big_endian;
    wal::Checksum sum = seed;
    for (std::uint32_t i = first; i <= max_frame(); ++i) {
      std::uint8_t* frame = bytes.data() + wal::kHeaderBytes + (i - 1) * kFrame;
      if (i <= last) {
        std::fill_n(frame + 8, 16, std::uint8_t{0});
        continue;
      }
      sum = wal::extend(sum, {frame, 8}, big_endian);
      sum = wal::extend(sum, {frame + wal::kFrameHeaderBytes, kPageSize}, big_endian);
      base::store_be32(frame + 16, sum.first);
      base::store_be32(frame + 20, sum.second);
    }
    os::testing::write_text(dir_ / "unsummed", std::string(bytes.begin(), bytes.end()));
  }

  TempDir dir_;
  std::filesystem::path database_ = dir_ / "x.db";
  std::unique_ptr<sqlite::Connection> connection_;
};

TEST_F(LogReaderTest, GivesTheNewestCommittedCopyOfEachPage) {
  for (int i = 0; i < 5; ++i) insert(3000);
  run("UPDATE t SET b=randomblob(100) WHERE a=2");
  const CommittedFrames frames = read(start(), max_frame());
  EXPECT_TRUE(frames.whole);
  EXPECT_EQ(frames.end.frame, max_frame());
  EXPECT_EQ(frames.frames, max_frame());
  EXPECT_EQ(frames.commits, 7U);
  EXPECT_LT(frames.newest.size(), frames.frames);
  EXPECT_TRUE(applied(frames) == committed_pages(database_));
}

TEST_F(LogReaderTest, GoesOnBehindAFrameThatWasCaptured) {
  insert(3000);
  const CommittedFrames first = read(start(), max_frame());
  Pages image = applied(first);
  insert(3000);
  insert(3000);
  const CommittedFrames second = read(first.end, max_frame());
  EXPECT_TRUE(second.whole);
  EXPECT_EQ(second.commits, 2U);
  EXPECT_EQ(second.frames, max_frame() - first.end.frame);
  PageSet set({}, std::uint64_t{1} << 30);
  ASSERT_TRUE(copy_pages(open_file(log()), second, set).has_value());
  lay_over(image, set, kPageSize, second.page_count);
  EXPECT_TRUE(image == committed_pages(database_));
}

TEST_F(LogReaderTest, AValidCommitBehindTheBoundIsAGhostAndNotLookedAt) {
  insert(3000);
  const std::uint32_t bound = max_frame();
  const Pages then = committed_pages(database_);
  insert(3000);
  const CommittedFrames frames = read(start(), bound);
  EXPECT_TRUE(frames.whole);
  EXPECT_EQ(frames.end.frame, bound);
  EXPECT_TRUE(applied(frames) == then);
}

TEST_F(LogReaderTest, SpilledFramesOfAnOpenTransactionAreLeftOut) {
  insert(3000);
  const std::uint32_t committed = max_frame();
  const Pages then = committed_pages(database_);
  run("PRAGMA cache_size=2; BEGIN");
  for (int i = 0; i < 20; ++i) insert(20'000);
  ASSERT_GT(std::filesystem::file_size(log()), wal::frame_offset(committed + 20, kPageSize));
  const CommittedFrames frames = read(start(), kToLastValidCommit);
  EXPECT_TRUE(frames.whole);
  EXPECT_GT(frames.frames, committed);
  EXPECT_EQ(frames.end.frame, committed);
  EXPECT_TRUE(applied(frames) == then);
  run("ROLLBACK");
}

TEST_F(LogReaderTest, UpToTheLastValidCommitIsWhatARecoveryAccepts) {
  for (int i = 0; i < 3; ++i) insert(3000);
  const CommittedFrames frames = read(start(), kToLastValidCommit);
  EXPECT_TRUE(frames.whole);
  EXPECT_EQ(frames.end.frame, max_frame());
  EXPECT_EQ(frames.end.checksum, read(start(), max_frame()).end.checksum);
  EXPECT_TRUE(applied(frames) == committed_pages(database_));
}

TEST_F(LogReaderTest, FramesOfAnOlderGenerationBehindTheEndDoNotCount) {
  for (int i = 0; i < 8; ++i) insert(3000);
  const std::uint64_t long_log = std::filesystem::file_size(log());
  run("PRAGMA wal_checkpoint(RESTART)");
  insert(100);
  ASSERT_EQ(std::filesystem::file_size(log()), long_log);
  const CommittedFrames frames = read(start(), kToLastValidCommit);
  EXPECT_EQ(frames.end.frame, max_frame());
  EXPECT_EQ(frames.commits, 1U);
  EXPECT_TRUE(applied(frames) == committed_pages(database_));
}

TEST_F(LogReaderTest, StopsAtADamagedFrame) {
  for (int i = 0; i < 5; ++i) insert(3000);
  const std::uint32_t broken = max_frame() - 1;
  damage_frame(broken);
  const os::File damaged = open_file(dir_ / "damaged");
  const auto bounded = read_committed(damaged, {start(), max_frame()});
  EXPECT_FALSE(bounded->whole);
  EXPECT_EQ(bounded->end.frame, broken - 1);
  const auto unbounded = read_committed(damaged, {start(), kToLastValidCommit});
  EXPECT_TRUE(unbounded->whole);
  EXPECT_LT(unbounded->end.frame, broken);
  EXPECT_EQ(unbounded->commits, 5U);
}

// What readers of a live database see, and what a recovery leaves of it.
TEST_F(LogReaderTest, FramesThatWereCommittedWithoutChecksumsCountOnlyWhereTheIndexVouchesForThem) {
  for (int i = 0; i < 6; ++i) insert(3000);
  const std::uint32_t first = max_frame() / 2;
  constexpr wal::Checksum kZeros, kOfAFrameThatIsGone{4711, 815};
  for (const auto& [last, seed] :
       {std::pair(first + 2, kZeros), {first + 2, kOfAFrameThatIsGone}, {max_frame(), kZeros}}) {
    make_unsummed(first, last, seed);
    const os::File unsummed = open_file(dir_ / "unsummed");
    const auto frames = read_committed(unsummed, {start(), max_frame(), true});
    EXPECT_TRUE(frames->whole);
    EXPECT_EQ(frames->end.frame, max_frame());
    EXPECT_EQ(frames->unsummed, last - first + (seed == kZeros ? 1U : 2U));
    EXPECT_TRUE(frames->end.unproven);
    EXPECT_EQ(frames->ends_unsummed, last == max_frame());
    EXPECT_EQ(frames->commits, read(start(), max_frame()).commits);
    PageSet set({}, std::uint64_t{1} << 30);
    ASSERT_TRUE(copy_pages(unsummed, *frames, set).has_value());
    Pages image = pages_of_file(database_);
    lay_over(image, set, kPageSize, frames->page_count);
    EXPECT_TRUE(image == committed_pages(database_));

    const auto proven = read_committed(unsummed, {start(), max_frame()});
    EXPECT_FALSE(proven->whole);
    EXPECT_EQ(proven->end.frame, first - 1);
    const auto recovered = read_committed(unsummed, {start(), kToLastValidCommit});
    EXPECT_LT(recovered->end.frame, first);
  }
}

TEST_F(LogReaderTest, AWrongChecksumToStartFromContinuesNothing) {
  insert(3000);
  LogPosition wrong = start();
  ++wrong.checksum.first;
  const CommittedFrames frames = read(wrong, max_frame());
  EXPECT_FALSE(frames.whole);
  EXPECT_EQ(frames.frames, 0U);
}

TEST_F(LogReaderTest, ALogThatEndsBeforeTheBoundIsNotWhole) {
  insert(3000);
  const CommittedFrames frames = read(start(), max_frame() + 1);
  EXPECT_FALSE(frames.whole);
  EXPECT_EQ(frames.end.frame, max_frame());
}

TEST_F(LogReaderTest, PagesAboveTheNewSizeAreNotCopied) {
  for (int i = 0; i < 30; ++i) insert(3000);
  run("DELETE FROM t; VACUUM");
  const CommittedFrames frames = read(start(), max_frame());
  ASSERT_LT(frames.page_count, 10U);
  PageSet set({}, std::uint64_t{1} << 30);
  ASSERT_TRUE(copy_pages(open_file(log()), frames, set).has_value());
  for (const PageSet::Page& page : set.pages()) EXPECT_LE(page.number, frames.page_count);
  EXPECT_TRUE(applied(frames) == committed_pages(database_));
}

TEST_F(LogReaderTest, ALargeRangeIsReadASecondTimeInsteadOfKept) {
  insert(5'000'000);
  const CommittedFrames frames = read(start(), max_frame());
  ASSERT_TRUE(frames.whole);
  EXPECT_TRUE(frames.kept.empty());
  EXPECT_TRUE(applied(frames) == committed_pages(database_));
}

TEST_F(LogReaderTest, ASmallRangeIsCopiedWithoutTheLog) {
  insert(3000);
  const CommittedFrames frames = read(start(), max_frame());
  EXPECT_EQ(frames.kept.size(), frames.frames * kFrame);
  const Pages now = committed_pages(database_);
  run("PRAGMA wal_checkpoint(TRUNCATE)");
  EXPECT_TRUE(applied(frames) == now);
}

TEST_F(LogReaderTest, ALogThatWasCutBeforeTheSecondReadIsReported) {
  insert(5'000'000);
  const CommittedFrames frames = read(start(), max_frame());
  run("PRAGMA wal_checkpoint(TRUNCATE)");
  PageSet set({}, std::uint64_t{1} << 30);
  const auto copied = copy_pages(open_file(log()), frames, set);
  ASSERT_FALSE(copied.has_value());
  EXPECT_EQ(copied.error().category, base::Category::retry_later);
}

TEST_F(LogReaderTest, AnEmptyOrUnfinishedHeaderIsNoStart) {
  for (const std::string& text : {std::string(), std::string(31, 'x'), std::string(32, 'x'), std::string(32, '\0')}) {
    os::testing::write_text(dir_ / "log", text);
    EXPECT_EQ(log_start(open_file(dir_ / "log")).value(), std::nullopt);
  }
}

}  // namespace
}  // namespace engine
