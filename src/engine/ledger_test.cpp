#include "engine/ledger.h"

#include <functional>

#include <gtest/gtest.h>

#include "ltx/checksum.h"
#include "os/testing.h"
#include "sqlite/connection.h"

namespace engine {
namespace {

using base::Category;
using os::testing::TempDir;

const base::DatabaseId kId{"11111111-2222-3333-4444-555555555555"};
constexpr base::UnixMillis kNow{1'700'000'000'000};

class LedgerTest : public ::testing::Test {
 protected:
  LedgerTest() { open(); }

  void open() {
    ledger_.reset();
    auto opened = Ledger::open(file_);
    ASSERT_TRUE(opened.has_value()) << opened.error().message;
    ledger_ = std::move(*opened);
  }
  // What a restart of the machine, a newer release or damage would have done to the closed file.
  void execute(const std::string& sql) {
    ledger_.reset();
    auto connection = sqlite::Connection::open(file_, sqlite::OpenMode::read_write);
    ASSERT_TRUE(connection.has_value());
    ASSERT_TRUE(connection->execute(sql).has_value());
  }
  ClientRecord client() { return *ledger_->find_or_create(kId, "/clients/a.db", kNow); }

  // An object that gives `pages` (number, checksum) to a database of `page_count` pages.
  void acknowledge(std::uint64_t txid, std::uint32_t page_count, std::vector<PageChecksum> pages,
                   bool replaces_index = false) {
    const ClientRecord record = client();
    Acknowledgement ack;
    ack.txid = base::Txid{txid};
    ack.database_checksum = 1000 + txid;
    ack.page_size = 4096;
    ack.page_count = page_count;
    ack.pages = std::move(pages);
    ack.replaces_index = replaces_index;
    ack.position = {PositionKind::log, {{1, 2}, 3, {4, 5}, 4096, false}};
    ack.at = kNow + std::chrono::milliseconds(txid);
    ASSERT_TRUE(ledger_->acknowledge(record.row, ack).has_value());
  }
  std::vector<std::uint64_t> index() {
    const ClientRecord record = client();
    return *ledger_->page_index(record.row, record.page_count);
  }

  TempDir dir_;
  std::filesystem::path file_ = dir_ / "state.db";
  std::unique_ptr<Ledger> ledger_;
};

std::vector<PageChecksum> pages(std::uint32_t first, std::uint32_t last, std::uint64_t base) {
  std::vector<PageChecksum> result;
  for (std::uint32_t page = first; page <= last; ++page) result.push_back({page, base + page});
  return result;
}

TEST_F(LedgerTest, FindsAClientAgainByItsIdAndFollowsItsPath) {
  const ClientRecord first = client();
  const auto again = ledger_->find_or_create(kId, "/clients/b.db", kNow + std::chrono::hours(1));
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(again->row, first.row);
  EXPECT_EQ(again->path, "/clients/b.db");
  EXPECT_EQ(again->created, kNow);
  EXPECT_EQ(again->txid.value, 0U);
  EXPECT_FALSE(again->index_valid);
  EXPECT_EQ(again->position.kind, PositionKind::none);
}

TEST_F(LedgerTest, ARemovalIsRememberedUntilTheFileIsThereAgain) {
  ASSERT_TRUE(ledger_->record_removed(client().row, kNow).has_value());
  open();
  EXPECT_EQ(ledger_->load_all()->front().removed, kNow);
  EXPECT_EQ(ledger_->find_or_create(kId, "/clients/b.db", kNow)->removed, std::nullopt);
  EXPECT_EQ(ledger_->load_all()->front().removed, std::nullopt);
}

TEST_F(LedgerTest, AcknowledgedStateSurvivesReopening) {
  acknowledge(1, 3, pages(1, 3, 100), true);
  open();
  const ClientRecord record = client();
  EXPECT_EQ(record.txid.value, 1U);
  EXPECT_EQ(record.attempted.value, 1U);
  EXPECT_TRUE(record.index_valid);
  EXPECT_EQ(record.database_checksum, 1001U);
  EXPECT_EQ(record.page_size, 4096U);
  EXPECT_EQ(record.position, (Position{PositionKind::log, {{1, 2}, 3, {4, 5}, 4096, false}}));
  EXPECT_EQ(record.last_replicated, kNow + std::chrono::milliseconds(1));
  EXPECT_EQ(index(), (std::vector<std::uint64_t>{101, 102, 103}));
}

TEST_F(LedgerTest, ChecksumsUseAllSixtyFourBits) {
  acknowledge(1, 1, {{1, 0xffff'ffff'ffff'fffe}}, true);
  EXPECT_EQ(index(), std::vector<std::uint64_t>{0xffff'ffff'ffff'fffe});
}

TEST_F(LedgerTest, DeltaChangesOnlyItsPages) {
  acknowledge(1, 600, pages(1, 600, 1000), true);
  acknowledge(2, 600, {{1, 5}, {256, 6}, {257, 7}, {600, 8}});
  const auto now = index();
  ASSERT_EQ(now.size(), 600U);
  EXPECT_EQ(now[0], 5U);
  EXPECT_EQ(now[1], 1002U);
  EXPECT_EQ(now[255], 6U);
  EXPECT_EQ(now[256], 7U);
  EXPECT_EQ(now[257], 1258U);
  EXPECT_EQ(now[599], 8U);
}

TEST_F(LedgerTest, ShrinkingForgetsThePagesAboveAlsoInsideAChunk) {
  acknowledge(1, 600, pages(1, 600, 1000), true);
  acknowledge(2, 300, {{1, 5}});
  acknowledge(3, 600, {{2, 6}});
  const auto now = index();
  EXPECT_EQ(now[299], 1300U);
  EXPECT_EQ(now[300], 0U);
  EXPECT_EQ(now[511], 0U);
  EXPECT_EQ(now[512], 0U);
  EXPECT_EQ(now[599], 0U);
}

TEST_F(LedgerTest, ShrinkingToAChunkBoundaryKeepsTheLastChunkWhole) {
  acknowledge(1, 600, pages(1, 600, 1000), true);
  acknowledge(2, 256, {{1, 5}});
  acknowledge(3, 300, {{2, 6}});
  const auto now = index();
  EXPECT_EQ(now[255], 1256U);
  EXPECT_EQ(now[256], 0U);
}

TEST_F(LedgerTest, AnImageReplacesTheWholeIndex) {
  acknowledge(1, 600, pages(1, 600, 1000), true);
  acknowledge(2, 600, {{1, 5}, {400, 6}}, true);
  const auto now = index();
  EXPECT_EQ(now[0], 5U);
  EXPECT_EQ(now[1], 0U);
  EXPECT_EQ(now[399], 6U);
  EXPECT_EQ(now[599], 0U);
}

TEST_F(LedgerTest, TellsChecksumsOfSinglePagesAndZeroForUnknownOnes) {
  acknowledge(1, 600, pages(1, 600, 1000), true);
  EXPECT_EQ(ledger_->checksums(client().row, {1, 300, 5000}).value(), (std::vector<std::uint64_t>{1001, 1300, 0}));
}

TEST_F(LedgerTest, ClientsDoNotMix) {
  acknowledge(1, 3, pages(1, 3, 100), true);
  const auto other = ledger_->find_or_create(base::DatabaseId{"other"}, "/clients/o.db", kNow);
  ASSERT_TRUE(other.has_value());
  EXPECT_EQ(ledger_->checksums(other->row, {1}).value(), std::vector<std::uint64_t>{0});
  EXPECT_EQ(ledger_->load_all()->size(), 2U);
}

TEST_F(LedgerTest, AnAttemptIsRememberedUntilItIsOvertaken) {
  acknowledge(4, 3, pages(1, 3, 100), true);
  ASSERT_TRUE(ledger_->record_attempt(client().row, base::Txid{5}).has_value());
  open();
  EXPECT_EQ(client().attempted.value, 5U);
  EXPECT_EQ(client().txid.value, 4U);
  acknowledge(5, 3, {{1, 9}});
  EXPECT_EQ(client().attempted.value, 5U);
}

TEST_F(LedgerTest, AdoptingAnOlderObjectDoesNotForgetAHigherAttempt) {
  ASSERT_TRUE(ledger_->record_attempt(client().row, base::Txid{7}).has_value());
  acknowledge(6, 1, {{1, 9}}, true);
  EXPECT_EQ(client().attempted.value, 7U);
}

TEST_F(LedgerTest, QuietPositionComesBackWithItsFingerprint) {
  acknowledge(1, 3, pages(1, 3, 100), true);
  Fingerprint fingerprint;
  fingerprint.complete = true;
  fingerprint.database.inode = 77;
  ASSERT_TRUE(ledger_->record_quiet(client().row, {PositionKind::closed, {}}, fingerprint).has_value());
  open();
  EXPECT_EQ(client().position.kind, PositionKind::closed);
  EXPECT_TRUE(client().fingerprint.complete);
  EXPECT_EQ(client().fingerprint.database.inode, 77U);
}

TEST_F(LedgerTest, AnAcknowledgementVoidsTheFingerprint) {
  Fingerprint fingerprint;
  fingerprint.complete = true;
  ASSERT_TRUE(ledger_->record_quiet(client().row, {PositionKind::closed, {}}, fingerprint).has_value());
  open();
  acknowledge(1, 3, pages(1, 3, 100), true);
  EXPECT_FALSE(client().fingerprint.complete);
}

TEST_F(LedgerTest, RemembersRefusalsAndForgottenIndexes) {
  acknowledge(1, 3, pages(1, 3, 100), true);
  ASSERT_TRUE(ledger_->refuse_wal_switch(client().row).has_value());
  ASSERT_TRUE(ledger_->forget_index(client().row).has_value());
  open();
  EXPECT_TRUE(client().wal_switch_refused);
  EXPECT_FALSE(client().index_valid);
}

TEST_F(LedgerTest, EveryStartWritesUnderALineageOfItsOwnAndKnowsTheEarlierOnes) {
  const std::uint64_t first = ledger_->lineages().current();
  EXPECT_NE(first, 0U);
  open();
  EXPECT_NE(ledger_->lineages().current(), first);
  EXPECT_TRUE(ledger_->lineages().is_ours(first));
  EXPECT_TRUE(ledger_->lineages().is_ours(ledger_->lineages().current()));
}

// A power cut takes what was not synced: everything in the log of the state database, if it comes soon after the start.
TEST_F(LedgerTest, LineageAndTheStartItselfAreKnownAfterAPowerCut) {
  ASSERT_TRUE(ledger_->mark_clean().has_value());
  open();
  const std::uint64_t lineage = ledger_->lineages().current();
  const std::filesystem::path after = dir_ / "after.db";
  os::testing::write_text(after, os::testing::read_text(file_));
  {
    auto connection = sqlite::Connection::open(after, sqlite::OpenMode::read_write);
    ASSERT_TRUE(connection.has_value());
    EXPECT_EQ(connection->query_integer("SELECT value FROM meta WHERE name='clean'").value(), 0);
  }
  const auto survivor = Ledger::open(after);
  ASSERT_TRUE(survivor.has_value()) << survivor.error().message;
  EXPECT_TRUE((*survivor)->lineages().is_ours(lineage))
      << "objects of this run would be a stranger's: conflict for every client";
}

TEST_F(LedgerTest, ObjectsOfAnotherStateDirectoryAreNotOurs) {
  const auto other = Ledger::open(dir_ / "other.db");
  ASSERT_TRUE(other.has_value());
  EXPECT_FALSE(ledger_->lineages().is_ours((*other)->lineages().current()));
  EXPECT_FALSE(ledger_->lineages().is_ours(0));
}

TEST_F(LedgerTest, TrustsFingerprintsAfterAKillButNotAfterACrashOfTheMachine) {
  EXPECT_FALSE(ledger_->trusts_fingerprints()) << "a new file proves nothing";
  open();
  EXPECT_TRUE(ledger_->trusts_fingerprints()) << "the same boot";
  execute("UPDATE meta SET value='another boot' WHERE name='boot_id'");
  open();
  EXPECT_FALSE(ledger_->trusts_fingerprints());
}

TEST_F(LedgerTest, TrustsFingerprintsAcrossARebootAfterACleanStop) {
  ASSERT_TRUE(ledger_->mark_clean().has_value());
  execute("UPDATE meta SET value='another boot' WHERE name='boot_id'");
  open();
  EXPECT_TRUE(ledger_->trusts_fingerprints());
  execute("UPDATE meta SET value='a third boot' WHERE name='boot_id'");
  open();
  EXPECT_FALSE(ledger_->trusts_fingerprints()) << "the clean stop counts once";
}

TEST_F(LedgerTest, AFingerprintThatIsNotTrustedIsNotHandedOut) {
  Fingerprint fingerprint;
  fingerprint.complete = true;
  ASSERT_TRUE(ledger_->record_quiet(client().row, {PositionKind::closed, {}}, fingerprint).has_value());
  execute("UPDATE meta SET value='another boot' WHERE name='boot_id'");
  open();
  EXPECT_FALSE(client().fingerprint.complete);
  const auto all = ledger_->load_all();
  ASSERT_EQ(all->size(), 1U);
  EXPECT_FALSE(all->front().fingerprint.complete);
}

TEST_F(LedgerTest, RefusesAFileOfANewerRelease) {
  execute("PRAGMA user_version=99");
  const auto opened = Ledger::open(file_);
  ASSERT_FALSE(opened.has_value());
  EXPECT_EQ(opened.error().category, Category::unsupported);
  EXPECT_NE(opened.error().message.find("newer release"), std::string::npos);
}

TEST_F(LedgerTest, NamesTheFileThatIsDamaged) {
  ledger_.reset();
  os::testing::write_text(file_, std::string(8192, 'x'));
  std::filesystem::remove(file_.string() + "-wal");
  const auto opened = Ledger::open(file_);
  ASSERT_FALSE(opened.has_value());
  EXPECT_NE(opened.error().message.find(file_.string()), std::string::npos) << opened.error().message;
}

TEST_F(LedgerTest, DamageInOneClientsPagesIsFoundAtTheStartAfterAKill) {
  for (std::uint64_t txid = 1; txid <= 3; ++txid) acknowledge(txid, 20'000, pages(1, 20'000, txid * 100'000));
  execute("PRAGMA journal_mode=DELETE");
  std::string content = os::testing::read_text(file_);
  // The last page of the file is a leaf of the page index.
  content.replace(content.size() - 4096, 4096, std::string(4096, 'x'));
  os::testing::write_text(file_, content);
  const auto opened = Ledger::open(file_);
  ASSERT_FALSE(opened.has_value());
  EXPECT_EQ(opened.error().category, Category::corrupt) << opened.error().message;
}

TEST_F(LedgerTest, ADamagedFileThatWasSetAsideIsKeptAndMakesRoomForANewOne) {
  acknowledge(1, 3, pages(1, 3, 100), true);
  ledger_.reset();
  os::testing::write_text(file_, std::string(8192, 'x'));
  const auto kept = Ledger::set_aside(file_, kNow);
  ASSERT_TRUE(kept.has_value()) << kept.error().message;
  EXPECT_EQ(os::testing::read_text(*kept), std::string(8192, 'x'));
  open();
  EXPECT_EQ(client().txid.value, 0U);
}

TEST_F(LedgerTest, NamesTheDirectoryThatDoesNotExist) {
  const auto opened = Ledger::open(dir_ / "missing/state.db");
  ASSERT_FALSE(opened.has_value());
  EXPECT_NE(opened.error().message.find("missing/state.db"), std::string::npos);
}

TEST_F(LedgerTest, ADamagedRowIsNoPositionRatherThanAWrongOne) {
  acknowledge(1, 3, pages(1, 3, 100), true);
  execute("UPDATE clients SET position='log1 1 2', fingerprint='fp1 1'");
  open();
  EXPECT_EQ(client().position.kind, PositionKind::none);
  EXPECT_FALSE(client().fingerprint.complete);
}

TEST_F(LedgerTest, ADamagedChunkIsReportedAsCorrupt) {
  acknowledge(1, 3, pages(1, 3, 100), true);
  execute("UPDATE page_index SET checksums=x'00'");
  open();
  const auto result = ledger_->page_index(client().row, 3);
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().category, Category::corrupt);
}

}  // namespace
}  // namespace engine
