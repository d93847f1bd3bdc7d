#include "engine/restore.h"

#include <algorithm>
#include <fstream>
#include <map>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "ltx/checksum.h"
#include "ltx/encoder.h"
#include "ltx/provenance.h"
#include "os/testing.h"
#include "sqlite/connection.h"
#include "storage/memory_store.h"

namespace engine {
namespace {

namespace fs = std::filesystem;
using base::Bytes;
using base::Category;
using os::testing::TempDir;

constexpr std::string_view kReplica = "databases/11111111-2222-3333-4444-555555555555";

Bytes read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file) << path;
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

fs::path golden(const std::string& name) {
  return fs::path(LM_TEST_DATA_DIR) / "ltx" / name;
}

std::string key(std::uint8_t level, std::uint64_t min, std::uint64_t max) {
  return storage::ltx_key(storage::KeyLayout::s3, kReplica, {base::Level{level}, base::Txid{min}, base::Txid{max}})
      .value;
}

using Pages = std::map<std::uint32_t, Bytes>;

Bytes encode(const ltx::Header& header, const Pages& pages) {
  Bytes out;
  ltx::Encoder encoder(header, [&](base::ByteView part) -> base::Result<> {
    out.insert(out.end(), part.begin(), part.end());
    return {};
  });
  for (const auto& [number, page] : pages) EXPECT_TRUE(encoder.add_page(number, page));
  EXPECT_TRUE(encoder.finish());
  return out;
}

ltx::Header header_of(std::uint64_t min, std::uint64_t max, std::uint32_t commit, std::uint32_t page_size) {
  ltx::Header header;
  header.page_size = page_size;
  header.commit = commit;
  header.min_txid = base::Txid{min};
  header.max_txid = base::Txid{max};
  header.timestamp = base::UnixMillis{1700000000000};
  return header;
}

Pages split(const Bytes& database, std::uint32_t page_size) {
  Pages pages;
  for (std::size_t at = 0; at < database.size(); at += page_size) {
    const auto first = database.begin() + static_cast<std::ptrdiff_t>(at);
    pages[static_cast<std::uint32_t>(at / page_size + 1)] = Bytes(first, first + page_size);
  }
  return pages;
}

std::uint64_t checksum_of(const Pages& pages) {
  ltx::DatabaseChecksum sum;
  for (const auto& [number, page] : pages) sum.toggle(ltx::page_checksum(number, page));
  return sum.value();
}

class Restore : public testing::Test {
 protected:
  void put(const std::string& object_key, Bytes bytes) {
    storage::PutRequest request;
    request.key = base::ObjectKey{object_key};
    request.body = std::make_shared<storage::MemoryBody>(std::move(bytes));
    request.on_existing = storage::OnExisting::overwrite;
    ASSERT_TRUE(storage::put_and_wait(store_, std::move(request)));
  }

  // The reference implementation's files of four states; state 4 is the newest.
  void put_golden_chain(const std::string& tree = "block-litestream") {
    for (std::uint64_t txid = 1; txid <= 4; ++txid) {
      const std::string name = "000000000000000" + std::to_string(txid);
      put(key(0, txid, txid), read_file(golden(tree + "/0/" + name + "-" + name + ".ltx")));
    }
  }

  RestoreOptions options() {
    RestoreOptions result;
    result.output = output_;
    return result;
  }

  // What a failed restore must leave: everything as it was.
  std::vector<std::string> directory_contents() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(directory_.path())) names.push_back(entry.path().filename());
    std::ranges::sort(names);
    return names;
  }

  void expect_failure(const RestoreOptions& with, Category category, const std::string& text) {
    const auto before = directory_contents();
    const auto result = restore(store_, kReplica, with);
    ASSERT_FALSE(result) << "should fail: " << text;
    EXPECT_EQ(result.error().category, category) << result.error().message;
    EXPECT_NE(result.error().message.find(text), std::string::npos) << result.error().message << " <> " << text;
    EXPECT_EQ(directory_contents(), before);
  }

  TempDir directory_;
  fs::path output_ = directory_ / "out.db";
  storage::MemoryStore store_;
};

TEST_F(Restore, GoldenChainGivesTheNewestStateAndNothingElse) {
  for (const char* tree : {"block-litestream", "frame-litestream", "block-checksummed"}) {
    put_golden_chain(tree);
    const auto report = restore(store_, kReplica, options());
    ASSERT_TRUE(report) << report.error().message;
    EXPECT_EQ(read_file(output_), read_file(golden("states/state4.db")));
    EXPECT_EQ(directory_contents(), std::vector<std::string>{"out.db"});
    EXPECT_EQ(report->txid, base::Txid{4});
    EXPECT_EQ(report->page_size, 512U);
    EXPECT_EQ(report->pages, 3U);
    EXPECT_EQ(report->objects, 4U);
    EXPECT_EQ(base::hex16(report->database_checksum), "b18dd1f2321e7a09");
    EXPECT_FALSE(report->checksum_proven);
    EXPECT_EQ(report->integrity_note, std::nullopt);
    fs::remove(output_);
  }
}

TEST_F(Restore, SnapshotAndHigherLevelsSaveDownloads) {
  put_golden_chain();
  put(key(9, 1, 3), read_file(golden("block-litestream/9/0000000000000001-0000000000000003.ltx")));
  const auto report = restore(store_, kReplica, options());
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->objects, 2U);
  EXPECT_EQ(read_file(output_), read_file(golden("states/state4.db")));
}

TEST_F(Restore, ForeignObjectsBesideTheBackupAreIgnored) {
  // Of Litestream 0.3; the newer backup is taken.
  put(std::string(kReplica) + "/generations/0000000000000001/snapshots/00000000.snapshot.lz4", Bytes{'x'});
  put_golden_chain();
  put(std::string(kReplica) + "/lock.json", Bytes{'{', '}'});
  put(std::string(kReplica) + "/0000/notes.txt", Bytes{'x'});
  EXPECT_TRUE(restore(store_, kReplica, options()));
}

TEST_F(Restore, LargeObjectsAreReadInRangesSideBySide) {
  // 12 MiB that do not compress: several ranges.
  Bytes database(12U << 20);
  std::uint64_t random = 1;
  for (auto& byte : database) {
    random = random * 6364136223846793005U + 1442695040888963407U;
    byte = static_cast<std::uint8_t>(random >> 56);
  }
  const Pages pages = split(database, 4096);
  put(key(9, 1, 1), encode(header_of(1, 1, static_cast<std::uint32_t>(pages.size()), 4096), pages));
  RestoreOptions with = options();
  with.integrity_check = IntegrityCheck::none;
  DownloadProgress last;
  with.on_progress = [&](const DownloadProgress& progress) {
    EXPECT_GE(progress.bytes_done, last.bytes_done);
    EXPECT_EQ(progress.objects_total, 1U);
    last = progress;
  };
  const auto report = restore(store_, kReplica, with);
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(last.bytes_done, last.bytes_total);
  EXPECT_EQ(last.objects_done, 1U);
  EXPECT_EQ(report->downloaded_bytes, last.bytes_total + ltx::kHeaderSize);
  EXPECT_TRUE(read_file(output_) == database);
  EXPECT_EQ(directory_contents(), std::vector<std::string>{"out.db"});
  const auto gets = std::ranges::count(store_.operations(), storage::OperationKind::get, &storage::Operation::kind);
  EXPECT_GE(gets, 6);
}

TEST_F(Restore, NoBackupIsNotFoundAndNamesTheReplica) {
  expect_failure(options(), Category::not_found, std::string(kReplica));
}

TEST_F(Restore, GapInTheChainIsCorrupt) {
  put_golden_chain();
  ASSERT_TRUE(storage::remove_and_wait(store_, {base::ObjectKey{key(0, 2, 2)}}));
  expect_failure(options(), Category::corrupt, "gap after TXID 0000000000000001");
}

TEST_F(Restore, DamagedObjectIsCorruptAndNamed) {
  put_golden_chain();
  Bytes damaged = read_file(golden("block-litestream/0/0000000000000003-0000000000000003.ltx"));
  damaged.back() ^= 1;
  put(key(0, 3, 3), damaged);
  expect_failure(options(), Category::corrupt, key(0, 3, 3));
}

TEST_F(Restore, TooShortObjectIsCorruptAndNamed) {
  put_golden_chain();
  put(key(0, 3, 3), Bytes(130));
  expect_failure(options(), Category::corrupt, key(0, 3, 3) + ": 130 bytes");
}

TEST_F(Restore, FileUnderAnotherFilesNameIsCorrupt) {
  put_golden_chain();
  put(key(0, 4, 4), read_file(golden("block-litestream/0/0000000000000003-0000000000000003.ltx")));
  expect_failure(options(), Category::corrupt, key(0, 4, 4));
}

TEST_F(Restore, MissingPagesAreCorrupt) {
  const Pages pages = split(read_file(golden("states/state3.db")), 512);
  // The second file is no snapshot, so the codec alone cannot know that pages are missing.
  put(key(0, 1, 1), encode(header_of(1, 1, 2, 512), {{1, pages.at(1)}, {2, pages.at(2)}}));
  put(key(0, 2, 2), encode(header_of(2, 2, 6, 512), {{3, pages.at(3)}, {5, pages.at(5)}, {6, pages.at(6)}}));
  expect_failure(options(), Category::corrupt, "no page 4 of a database of 6 pages");
  put(key(0, 2, 2), encode(header_of(2, 2, 6, 512), {{3, pages.at(3)}, {4, pages.at(4)}}));
  expect_failure(options(), Category::corrupt, "no page 5 of a database of 6 pages");
}

TEST_F(Restore, StatedDatabaseChecksumIsProven) {
  const Pages pages = split(read_file(golden("states/state3.db")), 512);
  ltx::Header header = header_of(1, 1, 6, 512);
  ltx::set_provenance(header, {.database_checksum = checksum_of(pages), .lineage = 7});
  put(key(0, 1, 1), encode(header, pages));
  const auto report = restore(store_, kReplica, options());
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_TRUE(report->checksum_proven);
  fs::remove(output_);

  ltx::set_provenance(header, {.database_checksum = checksum_of(pages) ^ 1, .lineage = 7});
  put(key(0, 1, 1), encode(header, pages));
  expect_failure(options(), Category::corrupt, "states database checksum");
}

TEST_F(Restore, DamageThatOnlySqliteSeesIsCorrupt) {
  Bytes database = read_file(golden("states/state3.db"));
  std::fill(database.begin() + 512, database.begin() + 1024, std::uint8_t{0xee});
  put(key(0, 1, 1), encode(header_of(1, 1, 6, 512), split(database, 512)));
  expect_failure(options(), Category::corrupt, "check");
  RestoreOptions unchecked = options();
  unchecked.integrity_check = IntegrityCheck::none;
  EXPECT_TRUE(restore(store_, kReplica, unchecked));
}

TEST_F(Restore, PagesThatAreNoDatabaseAreCorrupt) {
  put(key(0, 1, 1), encode(header_of(1, 1, 2, 512), {{1, Bytes(512, 0x11)}, {2, Bytes(512, 0x22)}}));
  expect_failure(options(), Category::corrupt, "check");
}

TEST_F(Restore, DatabaseInWalModeIsCheckedWithoutCompanions) {
  const fs::path source = directory_ / "source.db";
  {
    auto connection = sqlite::Connection::open(source, sqlite::OpenMode::read_write_create);
    ASSERT_TRUE(connection);
    ASSERT_TRUE(connection->execute("PRAGMA journal_mode=WAL; CREATE TABLE t(x); INSERT INTO t VALUES(42);"));
  }
  const Bytes database = read_file(source);
  fs::remove(source);
  ASSERT_EQ(database[18], 2);
  put(key(0, 1, 1),
      encode(header_of(1, 1, static_cast<std::uint32_t>(database.size() / 4096), 4096), split(database, 4096)));
  for (const auto check : {IntegrityCheck::quick, IntegrityCheck::full}) {
    RestoreOptions with = options();
    with.integrity_check = check;
    const auto report = restore(store_, kReplica, with);
    ASSERT_TRUE(report) << report.error().message;
    EXPECT_EQ(report->integrity_check, check);
    EXPECT_EQ(directory_contents(), std::vector<std::string>{"out.db"});
    EXPECT_EQ(read_file(output_), database);
    fs::remove(output_);
  }
}

TEST_F(Restore, SchemaThatSqliteAloneCannotCheckIsNoted) {
  // An index in a collation that only the application has; patched in, because SQLite would not take it from us.
  const fs::path source = directory_ / "source.db";
  {
    auto connection = sqlite::Connection::open(source, sqlite::OpenMode::read_write_create);
    ASSERT_TRUE(connection);
    ASSERT_TRUE(connection->execute("CREATE TABLE t(x COLLATE nocase UNIQUE); INSERT INTO t VALUES('a'), ('b');"));
  }
  Bytes database = read_file(source);
  fs::remove(source);
  const auto at = std::ranges::search(database, base::as_bytes("nocase"));
  ASSERT_FALSE(at.empty());
  std::ranges::copy(base::as_bytes("custom"), at.begin());
  put(key(0, 1, 1),
      encode(header_of(1, 1, static_cast<std::uint32_t>(database.size() / 4096), 4096), split(database, 4096)));
  const auto report = restore(store_, kReplica, options());
  ASSERT_TRUE(report) << report.error().message;
  ASSERT_TRUE(report->integrity_note);
  EXPECT_NE(report->integrity_note->find("custom"), std::string::npos) << *report->integrity_note;
}

TEST_F(Restore, ExistingOutputIsRefusedWithoutForce) {
  put_golden_chain();
  os::testing::write_text(output_, "precious");
  expect_failure(options(), Category::conflict, "-force");
  EXPECT_EQ(os::testing::read_text(output_), "precious");
  EXPECT_EQ(store_.operations().size(), 4U) << "refused before any request";
}

TEST_F(Restore, LeftoverLogBesideTheOutputIsRefusedWithoutForce) {
  put_golden_chain();
  for (const char* companion : {"out.db-wal", "out.db-shm", "out.db-journal"}) {
    os::testing::write_text(directory_ / companion, "old");
    expect_failure(options(), Category::conflict, companion);
    fs::remove(directory_ / companion);
  }
}

TEST_F(Restore, ForceReplacesTheDatabaseTogetherWithItsLog) {
  put_golden_chain();
  for (const char* name : {"out.db", "out.db-wal", "out.db-shm", "out.db-journal"}) {
    os::testing::write_text(directory_ / name, "old");
  }
  RestoreOptions with = options();
  with.on_existing = OnExistingOutput::replace;
  const auto report = restore(store_, kReplica, with);
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(directory_contents(), std::vector<std::string>{"out.db"});
  EXPECT_EQ(read_file(output_), read_file(golden("states/state4.db")));
}

TEST_F(Restore, ANewFileHasTheUsualModeAndOneThatReplacesAnotherThatOnesMode) {
  put_golden_chain();
  const auto bits = [&] { return static_cast<unsigned>(fs::status(output_).permissions()); };
  const mode_t before = ::umask(0022);
  ASSERT_TRUE(restore(store_, kReplica, options()));
  EXPECT_EQ(bits(), 0644U);
  RestoreOptions with = options();
  with.on_existing = OnExistingOutput::replace;
  for (const unsigned mode : {0600U, 0660U}) {
    fs::permissions(output_, static_cast<fs::perms>(mode));
    const auto report = restore(store_, kReplica, with);
    ASSERT_TRUE(report) << report.error().message;
    EXPECT_EQ(bits(), mode);
    EXPECT_FALSE(report->owner_note) << *report->owner_note;
  }
  ::umask(before);
}

TEST_F(Restore, FailureWithForceKeepsTheOldDatabaseWithItsLog) {
  put_golden_chain();
  Bytes damaged = read_file(golden("block-litestream/0/0000000000000004-0000000000000004.ltx"));
  damaged.back() ^= 1;
  put(key(0, 4, 4), damaged);
  for (const char* name : {"out.db", "out.db-wal"}) os::testing::write_text(directory_ / name, "old");
  RestoreOptions with = options();
  with.on_existing = OnExistingOutput::replace;
  expect_failure(with, Category::corrupt, key(0, 4, 4));
  EXPECT_EQ(os::testing::read_text(output_), "old");
  EXPECT_EQ(os::testing::read_text(directory_ / "out.db-wal"), "old");
}

TEST_F(Restore, ForceRefusesADatabaseThatAnotherProcessHasOpen) {
  put_golden_chain();
  const os::testing::SqliteShell shell(output_);
  shell.run("PRAGMA journal_mode=WAL; CREATE TABLE t(x);");
  RestoreOptions with = options();
  with.on_existing = OnExistingOutput::replace;
  expect_failure(with, Category::conflict, "is open in process ");
}

TEST_F(Restore, DirectoryOrMissingParentIsInvalid) {
  put_golden_chain();
  RestoreOptions with = options();
  with.output = directory_.path();
  with.on_existing = OnExistingOutput::replace;
  expect_failure(with, Category::invalid, "not a regular file");
  with.output = directory_ / "missing/out.db";
  expect_failure(with, Category::invalid, "missing is not a directory");
  with.output = directory_.path().string() + "/";
  expect_failure(with, Category::invalid, "does not name a file");
}

TEST_F(Restore, StoreErrorIsPassedOnWithTheKey) {
  put_golden_chain();
  store_.fail_next([](const storage::Operation& o) { return o.key == key(0, 2, 2); },
                   {Category::denied, "no permission", std::nullopt}, 2);
  expect_failure(options(), Category::denied, key(0, 2, 2));
}

TEST_F(Restore, ObjectThatVanishesAfterTheListingMeansANewPlan) {
  put_golden_chain();
  store_.fail_next(
      [](const storage::Operation& o) { return o.kind == storage::OperationKind::get && o.key == key(0, 2, 2); },
      {Category::not_found, "gone", std::nullopt});
  const auto report = restore(store_, kReplica, options());
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(read_file(output_), read_file(golden("states/state4.db")));
  EXPECT_EQ(directory_contents(), std::vector<std::string>{"out.db"});
}

TEST_F(Restore, ObjectThatStaysAwayIsNotFound) {
  put_golden_chain();
  store_.fail_next([](const storage::Operation& o) { return o.key == key(0, 2, 2); },
                   {Category::not_found, "gone", std::nullopt}, 100);
  expect_failure(options(), Category::not_found, key(0, 2, 2));
}

TEST_F(Restore, StopEndsItAtOnceAlsoWhileTheStoreDoesNotAnswer) {
  put_golden_chain();
  store_.pause();
  std::stop_source stop;
  RestoreOptions with = options();
  with.context.stop = stop.get_token();
  std::jthread stopper([&] { stop.request_stop(); });
  expect_failure(with, Category::cancelled, "");
}

TEST_F(Restore, StopDuringTheDownloadEndsIt) {
  put_golden_chain();
  std::stop_source stop;
  RestoreOptions with = options();
  with.context.stop = stop.get_token();
  with.parallel_downloads = 1;
  with.on_progress = [&](const DownloadProgress&) { stop.request_stop(); };
  expect_failure(with, Category::cancelled, "");
}

}  // namespace
}  // namespace engine
