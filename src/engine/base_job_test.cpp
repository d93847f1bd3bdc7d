// Images and diffs by reading the file, while an application in another process goes on.
#include "engine/base_job.h"

#include <gtest/gtest.h>

#include "engine/tracker_testing.h"

namespace engine {
namespace {

using engine::testing::age_file;
using engine::testing::checksum_of;
using engine::testing::lay_over;
using engine::testing::Pages;
using engine::testing::pages_of_file;
using namespace std::chrono_literals;

std::vector<std::uint64_t> index_of(const Pages& pages) {
  std::vector<std::uint64_t> index;
  for (const auto& [number, page] : pages) index.push_back(ltx::page_checksum(number, page));
  return index;
}

class BaseJobTest : public engine::testing::TrackerTest {
 protected:
  std::unique_ptr<BaseJob> job(std::vector<std::uint64_t> known = {}, std::uint32_t page_size = 4096) {
    set_.clear();
    return std::make_unique<BaseJob>(database_, std::move(known), page_size, *tracker_, set_, closer_, clock_, probe_);
  }
  BaseResult slice(BaseJob& job) {
    auto result = job.slice();
    CHECK(result.has_value());
    return *result;
  }
  BaseResult run(BaseJob& job) {
    BaseResult result = slice(job);
    while (result.progress == BaseProgress::more) result = slice(job);
    return result;
  }
  // More than one slice to read.
  void grow_to_two_slices() const {
    app_->run(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<1500) "
        "INSERT INTO t(b) SELECT randomblob(3500) FROM n;");
  }
  // After the job has seen the file's header and size.
  void once_before_the_first_look(const std::string& sql) {
    stream_.before_delivery = [this, sql, done = false]() mutable {
      if (!std::exchange(done, true)) app_->run(sql);
    };
  }
  // As the transaction of a switch does; 2: WAL.
  void write_journal_mode(char version) const {
    std::fstream file(database_, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(18).put(version).put(version);
  }
  [[nodiscard]] Pages image_of(const BaseJob& job) {
    Pages image;
    lay_over(image, set_, job.page_size(), 1U << 30);
    return image;
  }
};

TEST_F(BaseJobTest, AnImageHoldsEveryPageOfFileAndLog) {
  commit(5);
  checkpoint();
  commit(5);
  const auto image = job();
  EXPECT_EQ(run(*image).progress, BaseProgress::done);
  EXPECT_TRUE(image->is_image());
  EXPECT_EQ(image->page_size(), 4096U);
  EXPECT_EQ(image->mode(), JournalMode::wal);
  EXPECT_TRUE(image_of(*image) == engine::testing::committed_pages(database_));
}

TEST_F(BaseJobTest, AFileThatGrewJustBeforeTheFirstLookIsReadToItsEnd) {
  commit(1);
  app_->run("PRAGMA wal_checkpoint(TRUNCATE);");
  once_before_the_first_look("INSERT INTO t(b) VALUES(randomblob(50000)); PRAGMA wal_checkpoint(TRUNCATE);");
  const auto image = job();
  EXPECT_EQ(run(*image).progress, BaseProgress::done);
  EXPECT_TRUE(image_of(*image) == pages_of_file(database_));
}

TEST_F(BaseJobTest, AnotherPageSizeJustBeforeTheFirstLookIsNoticed) {
  commit(20);
  app_->run("PRAGMA journal_mode=DELETE;");
  once_before_the_first_look("PRAGMA page_size=8192; VACUUM;");
  const auto image = job();
  EXPECT_EQ(run(*image).progress, BaseProgress::wait);
  EXPECT_EQ(run(*image).progress, BaseProgress::done);
  EXPECT_EQ(image->page_size(), 8192U);
  EXPECT_TRUE(image_of(*image) == pages_of_file(database_));
}

TEST_F(BaseJobTest, ADiffFindsExactlyTheChangedPages) {
  commit(50);
  const Pages before = engine::testing::committed_pages(database_);
  app_->run("UPDATE t SET b='changed' WHERE a=20;");
  end_app();
  const Pages after = pages_of_file(database_);
  const auto diff = job(index_of(before));
  EXPECT_EQ(run(*diff).progress, BaseProgress::done);
  EXPECT_FALSE(diff->is_image());
  Pages expected;
  for (const auto& [number, page] : after) {
    if (before.at(number) != page) expected[number] = page;
  }
  ASSERT_FALSE(expected.empty());
  ASSERT_LT(expected.size(), after.size());
  EXPECT_TRUE(image_of(*diff) == expected);
}

TEST_F(BaseJobTest, ADiffOfAnUnchangedFileFindsNothingAndAFingerprint) {
  commit(5);
  end_app();
  age_file(database_);
  const auto diff = job(index_of(pages_of_file(database_)));
  EXPECT_EQ(run(*diff).progress, BaseProgress::done);
  EXPECT_TRUE(set_.empty());
  EXPECT_TRUE(diff->fingerprint().complete);
}

TEST_F(BaseJobTest, StampsThatGrewOldOnlyAfterTheProofAreNoFingerprint) {
  commit(5);
  end_app();
  // Written this very moment: another write within the same tick of the kernel's clock would not show.
  const auto young = std::chrono::floor<std::chrono::nanoseconds>(clock_.unix_now());
  engine::testing::set_modified(database_, young);
  const auto image = job();
  stream_.before_delivery = [&] {
    if (probe_.diff_bytes_read > 0) clock_.advance(1s);  // between the last read and the last look
  };
  EXPECT_EQ(run(*image).progress, BaseProgress::done);
  EXPECT_FALSE(image->fingerprint().complete);
}

TEST_F(BaseJobTest, WithALogThatHoldsMoreThereIsNoFingerprint) {
  commit(5);
  age_file(database_);
  const auto image = job();
  EXPECT_EQ(run(*image).progress, BaseProgress::done);
  EXPECT_FALSE(image->fingerprint().complete);
}

TEST_F(BaseJobTest, AnImageIsAConsistentStateThoughAWriterCheckpointsMeanwhile) {
  commit(3);
  grow_to_two_slices();
  checkpoint();
  const auto image = job();
  ASSERT_EQ(slice(*image).progress, BaseProgress::more);
  app_->run("UPDATE t SET b=randomblob(3500) WHERE a IN (2, 700, 1400);");
  checkpoint();
  BaseResult result = slice(*image);
  while (result.progress == BaseProgress::more) result = slice(*image);
  EXPECT_EQ(result.progress, BaseProgress::done);
  EXPECT_TRUE(image_of(*image) == engine::testing::committed_pages(database_));
}

TEST_F(BaseJobTest, AnImageDuringWhichAWriterDiedAndTheLogWasTruncatedIsOvertaken) {
  commit(3);
  grow_to_two_slices();
  end_app();
  const auto image = job();
  ASSERT_EQ(slice(*image).progress, BaseProgress::more);
  start_app();
  app_->run("UPDATE t SET b=randomblob(3500) WHERE a IN (2, 700, 1400);");
  mail_.push_back({FileEventKind::log_created, stream_.next(), open_both()});
  kill_app();
  happens(FileEventKind::index_closed);
  start_app();
  app_->run("PRAGMA wal_checkpoint(TRUNCATE);");
  BaseResult result = slice(*image);
  while (result.progress == BaseProgress::more && result.retry_after.count() == 0) result = slice(*image);
  EXPECT_EQ(result.progress, BaseProgress::overtaken)
      << "the index counts from 0 again and the log is empty: nothing proves that no commit was between the slices";
}

TEST_F(BaseJobTest, AnImageBesideAnApplicationThatHasTruncatedItsLogIsDone) {
  commit(3);
  app_->run("PRAGMA wal_checkpoint(TRUNCATE);");
  age_file(database_);
  clock_.advance(1s);
  const auto image = job();
  EXPECT_EQ(run(*image).progress, BaseProgress::done);
  EXPECT_TRUE(image_of(*image) == pages_of_file(database_));
}

TEST_F(BaseJobTest, ATruncatedLogIsNoProofOnceTheFileHasMoved) {
  grow_to_two_slices();
  app_->run("PRAGMA wal_checkpoint(TRUNCATE);");
  age_file(database_);
  const auto image = job();
  ASSERT_EQ(slice(*image).progress, BaseProgress::more);
  clock_.advance(1s);
  app_->run("INSERT INTO t(b) VALUES('unseen'); PRAGMA wal_checkpoint(TRUNCATE);");
  EXPECT_EQ(run(*image).progress, BaseProgress::overtaken);
}

TEST_F(BaseJobTest, PagesThatAreDroppedMeanwhileAreNotInTheImage) {
  app_->run("PRAGMA wal_autocheckpoint=0;");
  commit(3);
  grow_to_two_slices();
  checkpoint();
  const auto image = job();
  ASSERT_EQ(slice(*image).progress, BaseProgress::more);
  app_->run("DELETE FROM t WHERE a>10; VACUUM;");
  EXPECT_EQ(run(*image).progress, BaseProgress::done);
  EXPECT_TRUE(image_of(*image) == engine::testing::committed_pages(database_));
  EXPECT_LT(image->page_count(), 20U);
}

TEST_F(BaseJobTest, ARestartThatTookCommitsAwayOvertakesTheJob) {
  commit(3);
  grow_to_two_slices();
  checkpoint();
  const auto image = job();
  ASSERT_EQ(slice(*image).progress, BaseProgress::more);
  for (int i = 0; i < 2; ++i) {
    commit();
    checkpoint();
  }
  commit();
  EXPECT_EQ(run(*image).progress, BaseProgress::overtaken);
}

TEST_F(BaseJobTest, TheNextPassMakesGoodWhatTheOneBeforeReadWithoutProof) {
  commit(3);
  grow_to_two_slices();
  checkpoint();
  const auto image = job();
  ASSERT_EQ(slice(*image).progress, BaseProgress::more);
  for (int i = 0; i < 2; ++i) {
    app_->run("UPDATE t SET b=randomblob(3500) WHERE a IN (2, 700, 1400);");
    checkpoint();
  }
  commit();
  ASSERT_EQ(run(*image).progress, BaseProgress::overtaken);
  const std::uint64_t read = probe_.diff_bytes_read;
  EXPECT_GE(read, std::filesystem::file_size(database_)) << "to the end all the same, to have it compressed";
  app_->run("DELETE FROM t WHERE a>1450; VACUUM; PRAGMA wal_checkpoint(TRUNCATE);");
  EXPECT_EQ(run(*image).progress, BaseProgress::done);
  EXPECT_TRUE(image_of(*image) == pages_of_file(database_));
}

TEST_F(BaseJobTest, APageThatGoesBackToTheKnownContentBetweenPassesIsNotStale) {
  commit(3);
  grow_to_two_slices();
  app_->run("PRAGMA wal_checkpoint(TRUNCATE);");
  const Pages before = pages_of_file(database_);
  const std::string original = os::testing::read_text(database_);
  app_->run("UPDATE t SET b=randomblob(3500) WHERE a=700; PRAGMA wal_checkpoint(TRUNCATE);");
  const auto diff = job(index_of(before));
  ASSERT_EQ(slice(*diff).progress, BaseProgress::more);
  ASSERT_FALSE(set_.empty());
  end_app();
  os::testing::write_text(database_, original);  // an old state is put back in place
  start_app();
  app_->run("SELECT count(*) FROM t;");
  BaseResult result = slice(*diff);
  for (int i = 0; i < 100 && result.progress != BaseProgress::done; ++i) {
    clock_.advance(1s);
    result = slice(*diff);
  }
  ASSERT_EQ(result.progress, BaseProgress::done);
  Pages restored = before;
  lay_over(restored, set_, 4096, 1U << 30);
  EXPECT_TRUE(restored == pages_of_file(database_));
}

TEST_F(BaseJobTest, AKeptLogLetsAnImageBeDoneUnderLastClosesWithoutEnd) {
  // Both rows of a pair are far apart in the file and always equal.
  app_->run("CREATE TABLE first(v); INSERT INTO first VALUES(0);");
  grow_to_two_slices();
  app_->run("CREATE TABLE last(v); INSERT INTO last VALUES(0);");
  end_app();
  std::vector<std::unique_ptr<os::testing::Child>> writers;
  for (int i = 0; i < 2; ++i) {
    writers.push_back(std::make_unique<os::testing::Child>(std::vector<std::string>{
        "sh", "-c",
        "while [ ! -e '" + (dir_ / "stop").string() + "' ]; do sqlite3 -batch -init /dev/null -cmd " +
            "'.timeout 5000' '" + database_.string() +
            "' 'BEGIN IMMEDIATE; UPDATE first SET v=v+1; UPDATE last SET v=v+1; COMMIT;' || exit 1; done"}));
  }
  const auto image = job();
  tracker_->keep_log(clock_.steady_now() + 1h, 1U << 30);
  BaseResult result = slice(*image);
  ASSERT_TRUE(engine::testing::eventually([&] {
    if (result.progress != BaseProgress::done) result = slice(*image);
    return result.progress == BaseProgress::done;
  })) << result.reason;
  const Pages pages = image_of(*image);
  tracker_->let_log_go();
  os::testing::write_text(dir_ / "stop", "");
  for (auto& writer : writers) EXPECT_EQ(writer->finish(), 0) << "a writer met an error";
  std::string file;
  for (const auto& [number, page] : pages) file += base::as_text(page);
  const std::filesystem::path copy = dir_ / "copy.db";
  os::testing::write_text(copy, file);
  os::testing::SqliteShell shell(copy);
  EXPECT_EQ(shell.ask("PRAGMA integrity_check;"), "ok");
  EXPECT_EQ(shell.ask("SELECT (SELECT v FROM first) - (SELECT v FROM last);"), "0");
}

TEST_F(BaseJobTest, AnotherFileUnderTheNameOvertakesTheJob) {
  commit(3);
  grow_to_two_slices();
  end_app();
  const auto image = job();
  ASSERT_EQ(slice(*image).progress, BaseProgress::more);
  std::filesystem::copy_file(database_, dir_ / "copy");
  std::filesystem::rename(dir_ / "copy", database_);
  EXPECT_EQ(run(*image).progress, BaseProgress::overtaken);
}

TEST_F(BaseJobTest, AWriteWithoutALogOvertakesTheJob) {
  commit(3);
  grow_to_two_slices();
  end_app();
  age_file(database_);
  const auto image = job();
  ASSERT_EQ(slice(*image).progress, BaseProgress::more);
  os::testing::append_text(database_, "x");
  EXPECT_EQ(run(*image).progress, BaseProgress::overtaken);
}

TEST_F(BaseJobTest, InRollbackModeAWriterInTheMiddleOvertakesTheJob) {
  grow_to_two_slices();
  app_->run("PRAGMA journal_mode=DELETE;");
  const auto image = job();
  ASSERT_EQ(slice(*image).progress, BaseProgress::more);
  app_->run("UPDATE t SET b=randomblob(3500) WHERE a=700;");
  EXPECT_EQ(run(*image).progress, BaseProgress::overtaken);
  const auto again = job();
  EXPECT_EQ(run(*again).progress, BaseProgress::done);
  EXPECT_EQ(again->mode(), JournalMode::rollback);
  EXPECT_TRUE(image_of(*again) == pages_of_file(database_));
}

TEST_F(BaseJobTest, InRollbackModeAWriterAtWorkIsWaitedFor) {
  app_->run("PRAGMA journal_mode=DELETE; PRAGMA cache_size=2; BEGIN; INSERT INTO t(b) VALUES(randomblob(200000));");
  const auto image = job();
  const BaseResult waiting = slice(*image);
  EXPECT_EQ(waiting.progress, BaseProgress::wait);
  EXPECT_GT(waiting.retry_after, 0us);
  app_->run("COMMIT;");
  EXPECT_EQ(run(*image).progress, BaseProgress::done);
  EXPECT_TRUE(image_of(*image) == pages_of_file(database_));
}

TEST_F(BaseJobTest, InRollbackModeTheJournalOfADeadWriterIsWaitedFor) {
  app_->run("PRAGMA journal_mode=DELETE; PRAGMA cache_size=2; BEGIN; INSERT INTO t(b) VALUES(randomblob(200000));");
  kill_app();
  ASSERT_TRUE(std::filesystem::exists(database_.string() + "-journal"));
  EXPECT_EQ(slice(*job()).progress, BaseProgress::wait);
  start_app();
  (void)app_->ask("SELECT count(*) FROM t;");
  const auto image = job();
  EXPECT_EQ(run(*image).progress, BaseProgress::done);
  EXPECT_TRUE(image_of(*image) == pages_of_file(database_));
}

// journal_mode=WAL is itself a transaction with a rollback journal. Its page 1 says WAL before it is committed.
TEST_F(BaseJobTest, TheJournalOfASwitchToWalThatDiedIsWaitedFor) {
  app_->run("PRAGMA journal_mode=DELETE; PRAGMA cache_size=2; BEGIN; INSERT INTO t(b) VALUES(randomblob(200000));");
  kill_app();
  ASSERT_TRUE(std::filesystem::exists(database_.string() + "-journal"));
  write_journal_mode(2);
  EXPECT_EQ(slice(*job()).progress, BaseProgress::wait);
  start_app();
  (void)app_->ask("SELECT count(*) FROM t;");
  const auto image = job();
  EXPECT_EQ(run(*image).progress, BaseProgress::done);
  EXPECT_TRUE(image_of(*image) == pages_of_file(database_));
}

TEST_F(BaseJobTest, ASwitchFromWalThatIsUnderWayAtTheEndOvertakesTheJob) {
  commit(3);
  grow_to_two_slices();
  const auto image = job();
  ASSERT_EQ(slice(*image).progress, BaseProgress::more);
  end_app();
  happens(FileEventKind::index_closed);
  happens(FileEventKind::log_deleted);
  os::testing::write_text(database_.string() + "-journal", "\xd9\xd5\x05\xf9\x20\xa1\x63\xd7 and pages");
  EXPECT_EQ(run(*image).progress, BaseProgress::overtaken);
  std::filesystem::remove(database_.string() + "-journal");
  EXPECT_EQ(run(*image).progress, BaseProgress::done);
  EXPECT_TRUE(image_of(*image) == pages_of_file(database_));
}

TEST_F(BaseJobTest, AFirstPageThatIsAnotherAtTheEndOvertakesTheJob) {
  commit(3);
  grow_to_two_slices();
  const auto image = job();
  ASSERT_EQ(slice(*image).progress, BaseProgress::more);
  end_app();
  happens(FileEventKind::index_closed);
  happens(FileEventKind::log_deleted);
  write_journal_mode(1);
  EXPECT_EQ(run(*image).progress, BaseProgress::overtaken);
}

TEST_F(BaseJobTest, AnotherPageSizeMakesAnImageOfADiff) {
  commit(5);
  const std::vector<std::uint64_t> known = index_of(engine::testing::committed_pages(database_));
  app_->run("PRAGMA journal_mode=DELETE; PRAGMA page_size=8192; VACUUM; PRAGMA journal_mode=WAL;");
  end_app();
  const auto image = job(known);
  EXPECT_EQ(run(*image).progress, BaseProgress::done);
  EXPECT_TRUE(image->is_image());
  EXPECT_EQ(image->page_size(), 8192U);
  EXPECT_TRUE(image_of(*image) == pages_of_file(database_));
}

TEST_F(BaseJobTest, WhatIsNoDatabaseIsRefusedWithItsReason) {
  end_app();
  os::testing::write_text(database_, std::string(8192, 'x'));
  const BaseResult refused = slice(*job());
  EXPECT_EQ(refused.progress, BaseProgress::refused);
  EXPECT_NE(refused.reason.find("not a plain SQLite database"), std::string::npos);
  os::testing::write_text(database_, "");
  EXPECT_EQ(slice(*job()).progress, BaseProgress::wait);
  std::filesystem::remove(database_);
  EXPECT_EQ(slice(*job()).progress, BaseProgress::wait);
}

}  // namespace
}  // namespace engine
