#include "engine/periodic_audit.h"

#include <atomic>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/guarded.h"
#include "engine/holdings.h"
#include "os/testing.h"
#include "storage/keys.h"
#include "storage/memory_store.h"

namespace engine {
namespace {

using namespace std::chrono_literals;
using storage::OperationKind;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

const base::DatabaseId kOne{"11111111-2222-3333-4444-555555555555"};
const base::DatabaseId kTwo{"22222222-2222-3333-4444-555555555555"};
const base::DatabaseId kThree{"33333333-2222-3333-4444-555555555555"};

TEST(NextAudit, IsAPeriodAfterTheLastOneAndTheFirstComesSooner) {
  const AuditOptions options{.state_directory = {}, .every = 720h};
  const base::UnixMillis seen{1'000'000};
  EXPECT_EQ(next_audit(options, seen, std::nullopt), seen + 24h);
  EXPECT_EQ(next_audit({.state_directory = {}, .every = 1min}, seen, std::nullopt), seen + 1min);
  EXPECT_EQ(next_audit(options, seen, seen + 5h), seen + 725h);
}

TEST(AuditRecord, IsReadAsItWasWrittenAndNothingElseIs) {
  AuditProgress progress;
  progress.key = "databases/\"x\"";
  progress.client = kOne.value;
  progress.found.begun = base::UnixMillis{5};
  progress.found.clients = 3;
  progress.found.lost_points = 4;
  for (int i = 0; i < 20; ++i) progress.found.foreign.add("key " + std::to_string(i));
  progress.found.losses.add("some");
  const auto read = parse_audit_progress(to_text(progress));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->found, progress.found);
  EXPECT_EQ(read->key, progress.key);
  EXPECT_EQ(read->client, progress.client);
  for (const char* text :
       {"", "{}", "[]", "7", "{\"version\":2}", R"({"version":1,"key":"","client":"","begun":"x"})"}) {
    EXPECT_FALSE(parse_audit_progress(text)) << text;
  }
}

class PeriodicAuditTest : public ::testing::Test {
 protected:
  explicit PeriodicAuditTest(storage::KeyLayout layout = storage::KeyLayout::s3) : store_(layout) {
    auto ledger = Ledger::open(directory_ / "state.db");
    EXPECT_TRUE(ledger) << ledger.error().message;
    ledger_ = *std::move(ledger);
    options_.state_directory = directory_.path();
    options_.every = 1ms;
    options_.page_pause = 0ms;
    options_.retry_min = 1ms;
    options_.retry_max = 2ms;
  }
  ~PeriodicAuditTest() override { audit_.reset(); }

  void put(const std::string& key, std::size_t size = 10) {
    storage::PutRequest request;
    request.key = base::ObjectKey{key};
    request.on_existing = storage::OnExisting::overwrite;
    request.body = std::make_shared<storage::MemoryBody>(base::Bytes(size));
    ASSERT_TRUE(storage::put_and_wait(store_, std::move(request)));
  }
  void remove(const std::string& key) { ASSERT_TRUE(storage::remove_and_wait(store_, {base::ObjectKey{key}})); }
  std::string key(const base::DatabaseId& id, std::uint8_t level, std::uint64_t min, std::uint64_t max) const {
    return storage::ltx_key(store_.layout(), storage::replica_path(id),
                            {base::Level{level}, base::Txid{min}, base::Txid{max}})
        .value;
  }
  // Stored, acknowledged and recorded, as the client's uploader and upkeep do it.
  std::int64_t store(const base::DatabaseId& id, std::uint64_t txid) {
    const auto record = ledger_->find_or_create(id, path_of(id), base::UnixMillis{1});
    EXPECT_TRUE(record);
    InventoryTable& inventory = ledger_->inventory();
    EXPECT_TRUE(txid > 1 || inventory.record_listing(*inventory.begin_listing(record->row), {}));
    EXPECT_TRUE(ledger_->record_attempt(record->row, base::Txid{txid}));
    put(key(id, 0, txid, txid));
    Acknowledgement ack;
    ack.txid = base::Txid{txid};
    ack.page_size = 512;
    ack.page_count = 1;
    ack.object = history::Object{.min = ack.txid, .max = ack.txid, .size_bytes = 10, .level = base::Level{0}};
    EXPECT_TRUE(ledger_->acknowledge(record->row, ack));
    return record->row;
  }
  std::int64_t store_all(const base::DatabaseId& id, std::uint64_t count) {
    std::int64_t row = 0;
    for (std::uint64_t txid = 1; txid <= count; ++txid) row = store(id, txid);
    return row;
  }
  std::string path_of(const base::DatabaseId& id) const { return (directory_ / (id.value + ".db")).string(); }
  void show(const base::DatabaseId& id, ClientState state = ClientState::idle, std::uint64_t txid = 1) {
    auto status = std::make_shared<ClientStatus>();
    status->client_id = id.value;
    status->state = state;
    status->txid = txid;
    board_.put(std::move(status));
  }

  void start() {
    audit_ = std::make_unique<PeriodicAudit>(
        options_, store_, *ledger_, board_, bill_, probe_,
        AuditHealer{.list_anew = [this](std::int64_t row) { healed_.with([&](auto& h) { h.rows.push_back(row); }); },
                    .mend =
                        [this](const base::DatabaseId& id, Mend mend) {
                          healed_.with([&](auto& h) { h.mended.emplace_back(id.value, mend); });
                          const auto status = board_.find(id.value);
                          return status && status->state != ClientState::removed;
                        }});
  }
  // Exactly one audit, from its beginning to its end.
  AuditStatus audit_once() {
    options_.every = std::chrono::hours(720);
    options_.first_after = 0ms;
    start();
    const AuditStatus found = wait_for_end();
    audit_.reset();
    return found;
  }
  AuditStatus wait_for_end() {
    wait([&] { return overview().last.has_value(); });
    return overview().last.value_or(AuditStatus());
  }
  void wait(const std::function<bool()>& fact) {
    const auto limit = std::chrono::steady_clock::now() + 60s;
    while (!fact() && std::chrono::steady_clock::now() < limit) std::this_thread::yield();
    ASSERT_TRUE(fact());
  }
  AuditOverview overview() const { return board_.fleet()->audit; }
  std::size_t lists() const {
    return static_cast<std::size_t>(
        std::ranges::count(store_.operations(), OperationKind::list, &storage::Operation::kind));
  }

  struct Healed {
    std::vector<std::int64_t> rows;
    std::vector<std::pair<std::string, Mend>> mended;
  };
  Healed healed() {
    return healed_.with([](const Healed& h) { return h; });
  }

  os::testing::TempDir directory_;
  storage::MemoryStore store_;
  std::unique_ptr<Ledger> ledger_;
  Probe probe_;
  MemoryBudget memory_{1 << 20};
  Bill bill_{base::system_clock()};
  HoldingsBook holdings_{bill_, [] {}};
  StatusBoard board_{"memory", {}, probe_, memory_, store_, base::UnixMillis{0}, bill_, holdings_};
  AuditOptions options_;
  base::Guarded<Healed> healed_;
  std::unique_ptr<PeriodicAudit> audit_;
};

TEST_F(PeriodicAuditTest, WhereAllIsAsRecordedItCostsOneListOnTheBillAndChangesNothing) {
  for (const auto& id : {kOne, kTwo}) {
    store_all(id, 3);
    show(id);
  }
  const auto before = store_.keys();
  const AuditStatus found = audit_once();
  EXPECT_FALSE(found.is_bad());
  EXPECT_EQ(found.clients, 2U);
  EXPECT_EQ(found.objects, 6U);
  EXPECT_EQ(found.bytes, 60U);
  EXPECT_EQ(lists(), 1U);
  EXPECT_EQ(bill_.fleet().since_start.of(Purpose::audit), 1U);
  EXPECT_EQ(store_.keys(), before);
  EXPECT_TRUE(board_.fleet()->notices.empty());
  start();
  EXPECT_EQ(overview().last, found) << "known after a restart";
  EXPECT_GT(overview().due, *found.ended + 700h);
  EXPECT_EQ(lists(), 1U);
}

TEST_F(PeriodicAuditTest, AnObjectThatRestoresNeedAndThatIsGoneIsAskedForOfTheClientAndItsPointsAreNamed) {
  const std::int64_t row = store_all(kOne, 4);
  store_all(kTwo, 2);
  show(kOne);
  show(kTwo);
  remove(key(kOne, 0, 2, 2));
  const AuditStatus found = audit_once();
  EXPECT_THAT(found.broken.first, ElementsAre(kOne.value));
  EXPECT_THAT(found.different.first, ElementsAre(kOne.value));
  EXPECT_THAT(found.mending.first, ElementsAre(kOne.value));
  EXPECT_EQ(found.lost_points, 3U);
  EXPECT_THAT(found.losses.first, ElementsAre(kOne.value + ": 3 from TXID 0000000000000002 to 0000000000000004"));
  EXPECT_THAT(healed().mended, ElementsAre(std::pair(kOne.value, Mend::missing)));
  EXPECT_THAT(healed().rows, ElementsAre(row)) << "nothing goes that was planned with what is not there";
  EXPECT_EQ(lists(), 2U) << "the bucket, and the one at fault once more";
  ASSERT_EQ(board_.fleet()->notices.size(), 1U);
  EXPECT_TRUE(board_.fleet()->notices.front().contains("1 of 1 are stored anew")) << board_.fleet()->notices.front();
  board_.set_notice("audit", "");
  start();
  EXPECT_EQ(board_.fleet()->notices.size(), 1U) << "also after a restart";
}

TEST_F(PeriodicAuditTest, ABackupThatEndsBeforeWhatWasStoredLacksItsNewestState) {
  store_all(kOne, 4);
  show(kOne);
  for (const std::uint64_t txid : {3U, 4U}) remove(key(kOne, 0, txid, txid));
  const AuditStatus found = audit_once();
  EXPECT_THAT(found.broken.first, ElementsAre(kOne.value));
  EXPECT_THAT(found.losses.first, ElementsAre(kOne.value + ": 2 from TXID 0000000000000003 to 0000000000000004"));
  EXPECT_THAT(healed().mended, ElementsAre(std::pair(kOne.value, Mend::missing)));
}

// It would be stored over what the other one has, by a host whose database may be an old copy.
TEST_F(PeriodicAuditTest, ABackupWithWhichAnotherHostWentOnIsNotMendedHere) {
  store_all(kOne, 3);
  show(kOne);
  put(key(kOne, 0, 5, 5));
  for (const std::uint64_t txid : {1U, 2U}) remove(key(kOne, 0, txid, txid));
  const AuditStatus found = audit_once();
  EXPECT_EQ(found.broken.count + found.different.count + found.lost_points, 0U);
  EXPECT_THAT(healed().mended, IsEmpty());
}

TEST_F(PeriodicAuditTest, ATruncatedObjectIsNoLessLost) {
  store_all(kOne, 3);
  show(kOne);
  put(key(kOne, 0, 1, 1), 4);
  const AuditStatus found = audit_once();
  EXPECT_EQ(found.broken.count, 1U);
  EXPECT_EQ(found.lost_points, 3U);
  EXPECT_THAT(healed().mended, ElementsAre(std::pair(kOne.value, Mend::damaged)));
}

TEST_F(PeriodicAuditTest, WhereOnlyTheRecordIsWrongItIsMadeAnew) {
  const std::int64_t row = store_all(kOne, 3);
  show(kOne);
  put(key(kOne, 9, 1, 2));
  AuditStatus found = audit_once();
  EXPECT_THAT(healed().rows, ElementsAre(row));
  EXPECT_EQ(found.different.count, 1U);
  EXPECT_EQ(found.broken.count + found.lost_points, 0U);
  EXPECT_TRUE(board_.fleet()->notices.empty()) << "nobody has to do anything";
}

TEST_F(PeriodicAuditTest, ABackupWithoutADatabaseHereIsToldAndCannotBeMadeGood) {
  const std::int64_t row = store_all(kOne, 2);
  remove(key(kOne, 0, 1, 1));
  const AuditStatus found = audit_once();
  EXPECT_THAT(found.broken.first, ElementsAre(kOne.value));
  EXPECT_EQ(found.mending.count, 0U);
  EXPECT_THAT(healed().rows, ElementsAre(row));
}

TEST_F(PeriodicAuditTest, OrphansAreCountedAndNamedAndNothingIsRemoved) {
  store_all(kOne, 1);  // its file is not there, and nobody watches it
  store_all(kTwo, 2);
  show(kTwo, ClientState::removed, 2);
  put(key(kThree, 0, 1, 1));
  put("databases/" + kThree.value + "/notes.txt");
  put("databases/readme");
  const base::DatabaseId kept{"44444444-2222-3333-4444-555555555555"};
  store_all(kept, 1);
  show(kept);
  const base::DatabaseId never{"55555555-2222-3333-4444-555555555555"};
  show(never, ClientState::blocked, 0);
  show(base::DatabaseId{"66666666-2222-3333-4444-555555555555"}, ClientState::waiting, 0);
  const auto before = store_.keys();
  const AuditStatus found = audit_once();
  EXPECT_THAT(found.gone.first, ElementsAre(kOne.value, kTwo.value));
  EXPECT_THAT(found.unknown.first, ElementsAre(kThree.value));
  EXPECT_THAT(found.foreign.first, ElementsAre("databases/" + kThree.value + "/notes.txt", "databases/readme"));
  EXPECT_THAT(found.unstored.first, ElementsAre(never.value));
  EXPECT_FALSE(found.is_bad());
  EXPECT_EQ(store_.keys(), before);
}

TEST_F(PeriodicAuditTest, WhatIsInADirectoryThatCannotBeWatchedIsNotGone) {
  store_all(kOne, 1);
  board_.set_watch_dirs({{.path = directory_.path().string(), .ok = false, .detail = "not mounted"}});
  EXPECT_EQ(audit_once().gone.count, 0U);
}

TEST_F(PeriodicAuditTest, BackupsOfWhichNothingIsLeftAreFoundWhereverTheirIdsStand) {
  for (const auto& id : {kOne, kTwo, kThree}) {
    store_all(id, 2);
    show(id);
  }
  for (const auto& id : {kOne, kThree}) {
    for (const std::uint64_t txid : {1U, 2U}) remove(key(id, 0, txid, txid));
  }
  const AuditStatus found = audit_once();
  EXPECT_THAT(found.lost.first, ElementsAre(kOne.value, kThree.value));
  EXPECT_EQ(found.lost_points, 4U);
  EXPECT_THAT(healed().mended,
              ElementsAre(std::pair(kOne.value, Mend::missing), std::pair(kThree.value, Mend::missing)));
  EXPECT_EQ(found.clients, 1U);
}

TEST_F(PeriodicAuditTest, AnEmptyBucketIsFilledAnew) {
  store_all(kOne, 2);
  show(kOne);
  for (const std::uint64_t txid : {1U, 2U}) remove(key(kOne, 0, txid, txid));
  EXPECT_EQ(audit_once().lost.count, 1U);
  EXPECT_EQ(healed().mended.size(), 1U);
}

class DirectoryAuditTest : public PeriodicAuditTest {
 protected:
  DirectoryAuditTest() : PeriodicAuditTest(storage::KeyLayout::file) {}
};

// As one whose disk is not mounted.
TEST_F(DirectoryAuditTest, AnEmptyOneIsToldAndNotFilledAnew) {
  for (const auto& id : {kOne, kTwo}) {
    store_all(id, 2);
    show(id);
    for (const std::uint64_t txid : {1U, 2U}) remove(key(id, 0, txid, txid));
  }
  const AuditStatus found = audit_once();
  EXPECT_EQ(found.lost.count, 2U);
  EXPECT_THAT(healed().mended, IsEmpty());
  EXPECT_EQ(board_.fleet()->notices.size(), 1U);
}

TEST_F(DirectoryAuditTest, OneThatLostSomeBackupsIs) {
  for (const auto& id : {kOne, kTwo}) {
    store_all(id, 1);
    show(id);
  }
  remove(key(kTwo, 0, 1, 1));
  audit_once();
  EXPECT_THAT(healed().mended, ElementsAre(std::pair(kTwo.value, Mend::missing)));
}

TEST_F(PeriodicAuditTest, AListingThatIsThrottledIsGoneOnWithAndNothingCountsTwice) {
  for (std::uint64_t i = 0; i < 1500; ++i) put("databases/" + std::to_string(10'000 + i));
  store_all(kTwo, 2);
  show(kTwo);
  store_.fail_next([](const auto& op) { return op.kind == OperationKind::list; },
                   {base::Category::throttled, "SlowDown", {}}, 3);
  std::atomic<int> later{0};
  store_.fail_next([&](const auto& op) { return op.kind == OperationKind::list && ++later == 2; },
                   {base::Category::retry_later, "503", {}}, 1);
  const AuditStatus found = audit_once();
  EXPECT_EQ(found.foreign.count, 1500U);
  EXPECT_EQ(found.foreign.first.size(), NamedCount::kNamed);
  EXPECT_EQ(found.clients, 1U);
  EXPECT_FALSE(found.is_bad());
}

TEST_F(PeriodicAuditTest, WhereTheSecondLookAtAClientFailsWhatWasSeenBeforeItCountsOnce) {
  for (int i = 0; i < 3; ++i) put("databases/1z" + std::to_string(i));  // between the two
  store_all(kOne, 2);
  store_all(kTwo, 3);
  show(kOne);
  show(kTwo);
  remove(key(kTwo, 0, 2, 2));
  store_.fail_next([](const auto& op) { return op.kind == OperationKind::list && op.key.contains(kTwo.value); },
                   {base::Category::throttled, "SlowDown", {}}, 3);
  const AuditStatus found = audit_once();
  EXPECT_EQ(found.foreign.count, 3U);
  EXPECT_EQ(found.clients, 2U);
  EXPECT_EQ(found.objects, 4U);
  EXPECT_EQ(found.lost_points, 2U);
  EXPECT_EQ(healed().mended.size(), 1U);
}

TEST_F(PeriodicAuditTest, EndedInTheMiddleItGoesOnAfterARestartAndPaysForNoPageTwice) {
  for (const auto& id : {kOne, kTwo, kThree}) {
    store_all(id, 900);
    show(id);
  }
  options_.every = 720h;
  options_.first_after = 0ms;
  options_.page_pause = std::chrono::hours(1);
  start();
  wait([&] { return lists() == 1; });
  wait([&] { return overview().running && overview().running->clients == 1; });
  audit_.reset();
  EXPECT_FALSE(overview().last);
  options_.page_pause = 0ms;
  start();
  const AuditStatus found = wait_for_end();
  EXPECT_EQ(found.clients, 3U);
  EXPECT_EQ(found.objects, 2700U);
  EXPECT_FALSE(found.is_bad()) << "a client that lies across two pages is whole";
  EXPECT_EQ(lists(), 3U);
}

TEST_F(PeriodicAuditTest, EndsAtOnceWhileTheStoreDoesNotAnswer) {
  store_.pause();
  start();
  wait([&] { return lists() == 1; });
  const auto begun = std::chrono::steady_clock::now();
  audit_.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 20s);
  EXPECT_FALSE(overview().last);
}

TEST_F(PeriodicAuditTest, AsksNothingWhileUploadsFail) {
  store_all(kOne, 1);
  probe_.upload_failures = 1;
  auto waiting = std::make_shared<ClientStatus>();
  waiting->client_id = kOne.value;
  waiting->state = ClientState::failing;
  waiting->next_attempt = base::UnixMillis{1};
  board_.put(std::move(waiting));
  start();
  wait([&] { return overview().running.has_value(); });
  for (int i = 0; i < 50; ++i) {
    std::uint64_t seen = board_.version();
    board_.touch();
    while (board_.version() == seen) std::this_thread::yield();
    std::this_thread::yield();
  }
  EXPECT_EQ(lists(), 0U);
  bump(probe_.uploads);
  EXPECT_EQ(wait_for_end().clients, 1U);
}

TEST_F(PeriodicAuditTest, AClientThatUploadsMeanwhileIsNoDifference) {
  store(kOne, 1);
  store_all(kTwo, 2);
  show(kOne);
  show(kTwo);
  start();  // one after the other
  std::atomic<bool> enough = false;
  std::jthread writer([&] {
    for (std::uint64_t txid = 2; !enough && txid < 3000; ++txid) store(kOne, txid);
  });
  base::UnixMillis seen{0};
  for (int audits = 0; audits < 10; ++audits) {
    wait([&] { return overview().last && *overview().last->ended > seen; });
    seen = *overview().last->ended;
    EXPECT_FALSE(overview().last->is_bad());
  }
  enough = true;
  writer.join();
  EXPECT_THAT(healed().rows, IsEmpty());
  EXPECT_THAT(healed().mended, IsEmpty());
}

TEST_F(PeriodicAuditTest, ATimeAheadOfTheClockIsOneOfAClockThatWasWrong) {
  AuditProgress future;
  future.found.begun = base::system_clock().unix_now() + 1000h;
  future.found.ended = future.found.begun;
  ASSERT_TRUE(ledger_->remember("audit", to_text(future)));
  store_all(kOne, 1);
  start();
  EXPECT_EQ(wait_for_end().clients, 1U);
}

TEST_F(PeriodicAuditTest, OffIsOff) {
  options_.every = 0ms;
  start();
  EXPECT_FALSE(overview().on || overview().due);
  audit_.reset();
  EXPECT_EQ(lists(), 0U);
}

}  // namespace
}  // namespace engine
