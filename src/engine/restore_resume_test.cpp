#include "engine/restore_resume.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "engine/restore.h"
#include "engine/restore_testing.h"
#include "os/file_lock.h"
#include "os/testing.h"
#include "storage/memory_store.h"

namespace engine {
namespace {

namespace fs = std::filesystem;
using base::Category;
using os::testing::read_text;
using testing::BackupMaker;
using testing::key;
using testing::kPageSize;
using testing::kReplica;

constexpr std::uint64_t kDatabasePages = 4000;  // 16 MB in 16 ranges

class Resume : public ::testing::Test {
 protected:
  RestoreOptions options() {
    RestoreOptions result;
    result.output = output_;
    result.integrity_check = IntegrityCheck::none;  // the pages are noise
    result.checkpoint_bytes = 3U << 20;
    result.parallel_downloads = 1;
    return result;
  }
  static std::string text(const base::Bytes& bytes) { return std::string(base::as_text(bytes)); }
  std::vector<std::string> directory_contents() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(directory_.path())) names.push_back(entry.path().filename());
    std::ranges::sort(names);
    return names;
  }
  // Fails a restore when the range number `gets` of the image is asked for.
  void interrupt(Category category, unsigned gets = 9, const std::string& replica = std::string(kReplica)) {
    unsigned seen = 0;
    store_.fail_next(
        [&seen, gets](const storage::Operation& o) {
          return o.kind == storage::OperationKind::get && o.key == key(0, 1, 1) && ++seen > gets;
        },
        {category, "line is cut", std::nullopt}, 1);
    const auto report = restore(store_, replica, options());
    ASSERT_FALSE(report);
    ASSERT_EQ(report.error().category, category) << report.error().message;
    message_ = report.error().message;
  }
  fs::path unfinished() const {
    for (const std::string& name : directory_contents()) {
      if (name.starts_with("out.db.tmp-")) return directory_ / name;
    }
    ADD_FAILURE() << "no unfinished file";
    return {};
  }
  void expect_restored(const RestoreReport& report, const base::Bytes& file) {
    EXPECT_EQ(read_text(output_), text(file));
    EXPECT_TRUE(report.checksum_proven);
    EXPECT_EQ(directory_contents(), std::vector<std::string>{"out.db"});
  }

  os::testing::TempDir directory_;
  fs::path output_ = directory_ / "out.db";
  storage::MemoryStore store_;
  std::string message_;
};

TEST_F(Resume, OnlyWhatIsMissingIsReadAfterAnInterruption) {
  BackupMaker backup(store_);
  backup.write(1, kDatabasePages);
  backup.write(10, 20);
  for (const Category category : {Category::retry_later, Category::cancelled, Category::io, Category::denied}) {
    interrupt(category);
    EXPECT_NE(message_.find("the same command goes on"), std::string::npos) << message_;
    EXPECT_EQ(directory_contents().size(), 2U) << "file and record";
    const auto report = restore(store_, kReplica, options());
    ASSERT_TRUE(report) << report.error().message;
    expect_restored(*report, backup.file(2));
    EXPECT_GE(report->resumed_bytes, 6U << 20);
    EXPECT_LT(report->downloaded_bytes, kDatabasePages * kPageSize - (5U << 20));
    fs::remove(output_);
  }
}

TEST_F(Resume, GoesOnAlsoWhereTheObjectsWereMergedMeanwhile) {
  BackupMaker backup(store_);
  backup.write(1, kDatabasePages);
  backup.write(10, 20);
  interrupt(Category::retry_later);
  backup.merge(9, 1, backup.pages());
  ASSERT_TRUE(storage::remove_and_wait(store_, {base::ObjectKey{key(0, 1, 1)}, base::ObjectKey{key(0, 2, 2)}}));
  const auto report = restore(store_, kReplica, options());
  ASSERT_TRUE(report) << report.error().message;
  expect_restored(*report, backup.file(2));
  EXPECT_GE(report->resumed_bytes, 6U << 20);
}

TEST_F(Resume, AnotherStateBeginsAnew) {
  BackupMaker backup(store_);
  backup.write(1, kDatabasePages);
  interrupt(Category::retry_later);
  backup.write(1, 1);
  const auto report = restore(store_, kReplica, options());
  ASSERT_TRUE(report) << report.error().message;
  expect_restored(*report, backup.file(2));
  EXPECT_EQ(report->resumed_bytes, 0U);
}

TEST_F(Resume, AnotherBackupTakesTheOldFileAway) {
  BackupMaker backup(store_);
  backup.write(1, kDatabasePages);
  interrupt(Category::retry_later);
  RestoreOptions other = options();
  const std::string replica = "databases/99999999-2222-3333-4444-555555555555";
  for (const auto& object : store_.keys()) {
    storage::PutRequest put{.key = base::ObjectKey{replica + object.substr(kReplica.size())},
                            .body = std::make_shared<storage::MemoryBody>(*store_.peek(object))};
    ASSERT_TRUE(storage::put_and_wait(store_, std::move(put)));
  }
  const auto report = restore(store_, replica, other);
  ASSERT_TRUE(report) << report.error().message;
  expect_restored(*report, backup.file(1));
  EXPECT_EQ(report->resumed_bytes, 0U);
}

TEST_F(Resume, AChangedFileIsNotBelieved) {
  BackupMaker backup(store_);
  backup.write(1, kDatabasePages);
  interrupt(Category::retry_later);
  auto file = os::File::open_read_write(unfinished());
  ASSERT_TRUE(file);
  ASSERT_TRUE(file->write_at(2U << 20, base::as_bytes("x")));
  file->close();
  const auto report = restore(store_, kReplica, options());
  ASSERT_TRUE(report) << report.error().message;
  expect_restored(*report, backup.file(1));
  EXPECT_EQ(report->resumed_bytes, 0U);
}

TEST_F(Resume, WithoutAStatedChecksumOnlyProvenObjectsCount) {
  BackupMaker backup(store_, BackupMaker::Checksum::unknown);
  backup.write(1, kDatabasePages);
  backup.write(1001, 3000);
  backup.write(1, 1);
  interrupt(Category::retry_later);  // in the middle of the image, which is read last
  const auto report = restore(store_, kReplica, options());
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->resumed_bytes, 2001U * kPageSize);
  EXPECT_EQ(read_text(output_), text(backup.file(3)));
}

TEST_F(Resume, TwoRestoresToOneOutputDoNotMix) {
  BackupMaker backup(store_);
  backup.write(1, kDatabasePages);
  interrupt(Category::retry_later);
  const auto held = os::File::open_read_write(unfinished());
  ASSERT_TRUE(held);
  ASSERT_TRUE(os::lock_description(*held).value_or(false));
  const auto report = restore(store_, kReplica, options());
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().category, Category::conflict) << report.error().message;
  EXPECT_EQ(directory_contents().size(), 2U) << "nothing was taken away";
}

TEST_F(Resume, AFileOfTheRecordsNameThatIsNotOursIsLeftAlone) {
  os::testing::write_text(directory_ / "out.db.restoring", "precious");
  BackupMaker backup(store_);
  backup.write(1, kDatabasePages);
  interrupt(Category::retry_later);
  EXPECT_EQ(directory_contents(), std::vector<std::string>{"out.db.restoring"}) << "no record, so nothing is kept";
  ASSERT_TRUE(restore(store_, kReplica, options()));
  EXPECT_EQ(read_text(directory_ / "out.db.restoring"), "precious");
}

// Who may write into the directory and knows of the target could keep a descriptor on such a file.
TEST_F(Resume, AFileWithASecondNameIsNotBelieved) {
  BackupMaker backup(store_);
  backup.write(1, kDatabasePages);
  interrupt(Category::retry_later);
  fs::create_hard_link(unfinished(), directory_ / "second-name");
  const auto report = restore(store_, kReplica, options());
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->resumed_bytes, 0U);
  EXPECT_EQ(read_text(output_), text(backup.file(1)));
}

TEST_F(Resume, ARestoreForItsMakerAloneBeginsAnewAndTouchesNothing) {
  BackupMaker backup(store_);
  backup.write(1, kDatabasePages);
  interrupt(Category::retry_later);
  const auto before = directory_contents();
  const std::string record = read_text(directory_ / "out.db.restoring");
  RestoreOptions alone = options();
  alone.for_its_maker_alone = true;
  const auto report = restore(store_, kReplica, alone);
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->resumed_bytes, 0U);
  EXPECT_EQ(fs::status(output_).permissions(), fs::perms::owner_read | fs::perms::owner_write);
  EXPECT_EQ(read_text(output_), text(backup.file(1)));
  EXPECT_EQ(directory_contents().size(), before.size() + 1);
  EXPECT_EQ(read_text(directory_ / "out.db.restoring"), record);
}

TEST_F(Resume, DamageLeavesNothing) {
  BackupMaker backup(store_);
  backup.write(1, kDatabasePages);
  interrupt(Category::corrupt);
  EXPECT_TRUE(directory_contents().empty());
}

TEST(ResumeRecordFormat, IsReadBackAndNoDamageIsBelieved) {
  ResumeRecord record{.state = {base::Txid{42}, 4096, 100, 7, base::UnixMillis{1'700'000'000'000}},
                      .checksum = 11,
                      .backup = "s3://bucket/databases/x",
                      .unfinished = "out.db.tmp-0011",
                      .have = PageBits(100)};
  record.have.set(1);
  record.have.set(100);
  const base::Bytes bytes = encode(record);
  const auto read = decode_resume_record(bytes);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->state, record.state);
  EXPECT_EQ(read->checksum, 11U);
  EXPECT_EQ(read->backup, record.backup);
  EXPECT_EQ(read->unfinished, record.unfinished);
  EXPECT_EQ(read->have.words(), record.have.words());
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    base::Bytes damaged = bytes;
    damaged[i] ^= 0x10;
    EXPECT_FALSE(decode_resume_record(damaged)) << "byte " << i;
    EXPECT_FALSE(decode_resume_record(base::ByteView(bytes).first(i))) << "cut at " << i;
  }
}

}  // namespace
}  // namespace engine
