// The queue over a real backup in memory, and real files.
#include "cli/operation_queue.h"

#include <fstream>
#include <iterator>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/restore_testing.h"
#include "os/testing.h"
#include "sqlite/connection.h"
#include "storage/memory_store.h"

namespace cli {
namespace {

namespace fs = std::filesystem;
using base::Category;
using engine::testing::BackupMaker;
using ::testing::HasSubstr;
using web::Operation;
using web::OperationState;
using namespace std::chrono_literals;

constexpr const char* kId = "11111111-2222-3333-4444-555555555555";  // of engine::testing::kReplica

class OperationQueueTest : public ::testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(out_);
    // Pages of a real database, so that SQLite's check passes.
    const fs::path source = directory_ / "source.db";
    {
      auto database = sqlite::Connection::open(source, sqlite::OpenMode::read_write_create);
      ASSERT_TRUE(database) << database.error().message;
      ASSERT_TRUE(database->execute(
          "CREATE TABLE t(id INTEGER PRIMARY KEY, body); WITH RECURSIVE n(i) AS (SELECT 1 UNION "
          "ALL SELECT i + 1 FROM n WHERE i < 2000) INSERT INTO t(body) SELECT randomblob(900) FROM n"));
    }
    original_ = content(source);
    engine::testing::RestorePages pages;
    for (std::size_t at = 0; at < original_.size(); at += engine::testing::kPageSize) {
      pages[static_cast<std::uint32_t>(at / engine::testing::kPageSize + 1)] =
          base::Bytes(original_.begin() + static_cast<std::ptrdiff_t>(at),
                      original_.begin() + static_cast<std::ptrdiff_t>(at + engine::testing::kPageSize));
    }
    backup_.write(pages);
    auto status = std::make_shared<engine::ClientStatus>();
    status->client_id = kId;
    status->replica_path = engine::testing::kReplica;
    status->state = engine::ClientState::idle;
    status->database_bytes = original_.size();
    status->txid = 1;
    board_.put(std::move(status));
  }

  static std::string content(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  std::unique_ptr<OperationQueue> make(OperationQueueOptions options = {}) {
    options.state_directory = state_;
    return std::make_unique<OperationQueue>(std::move(options), store_, board_, bill_, verify_);
  }
  static web::RestoreRequest to(const fs::path& path) {
    web::RestoreRequest request;
    request.client_id = kId;
    request.to = path;
    return request;
  }
  static web::RestoreRequest download() {
    web::RestoreRequest request;
    request.client_id = kId;
    request.download = true;
    return request;
  }
  static Operation wait(
      const OperationQueue& queue, const std::string& id,
      const std::function<bool(const Operation&)>& done = [](const Operation& o) { return is_over(o.state); }) {
    const auto limit = std::chrono::steady_clock::now() + 30s;
    for (;;) {
      auto found = queue.find(id);
      if (found && done(*found)) return *found;
      if (std::chrono::steady_clock::now() > limit) {
        ADD_FAILURE() << "operation " << id << " does not get there";
        return found.value_or(Operation{});
      }
      std::this_thread::yield();
    }
  }
  static bool is_running(const Operation& o) { return o.state == OperationState::running; }
  [[nodiscard]] std::set<std::string> files(const fs::path& folder) const {
    std::set<std::string> names;
    std::error_code none;
    for (const auto& entry : fs::directory_iterator(folder, none)) names.insert(entry.path().filename());
    return names;
  }

  os::testing::TempDir directory_;
  fs::path state_ = directory_ / "state";
  fs::path out_ = directory_ / "out";
  fs::path downloads_ = state_ / "downloads";
  std::string original_;
  storage::MemoryStore store_;
  BackupMaker backup_{store_};
  engine::Probe probe_;
  engine::MemoryBudget memory_{1 << 20};
  engine::Bill bill_{base::system_clock()};
  engine::HoldingsBook holdings_{bill_, [] {}};
  engine::StatusBoard board_{"memory", {}, probe_, memory_, store_, base::UnixMillis{0}, bill_, holdings_};
  VerifyClient verify_;
};

TEST_F(OperationQueueTest, ARestoreToANewPathIsTheDatabase) {
  const auto queue = make();
  const auto started = queue->start_restore(to(out_ / "new.db"));
  ASSERT_TRUE(started) << started.error().message;
  const Operation over = wait(*queue, started->id);
  ASSERT_EQ(over.state, OperationState::succeeded) << over.error;
  EXPECT_EQ(content(out_ / "new.db"), original_);
  EXPECT_EQ(files(out_), std::set<std::string>{"new.db"});
  EXPECT_EQ(fs::status(out_ / "new.db").permissions(), fs::perms::owner_read | fs::perms::owner_write)
      << "everybody may read where it goes";
  EXPECT_EQ(over.result->txid, 1U);
  EXPECT_EQ(over.result->bytes, original_.size());
  EXPECT_EQ(over.progress.bytes_done, over.progress.bytes_total);
  EXPECT_GT(over.progress.bytes_total, 0U);
  EXPECT_TRUE(over.started && over.finished);
  EXPECT_GT(bill_.fleet().since_start.of(engine::Purpose::recovery), 0U) << "it is on the bill";
}

TEST_F(OperationQueueTest, WhatIsWrongIsToldBeforeAnythingIsQueued) {
  const auto queue = make();
  std::ofstream(out_ / "there.db") << "precious";
  EXPECT_EQ(queue->start_restore(to(out_ / "there.db")).error().category, Category::conflict);
  web::RestoreRequest other = download();
  other.client_id = "unknown";
  EXPECT_THAT(queue->start_restore(other).error().message, HasSubstr("no client unknown"));
  other = download();
  other.at = "half past nine";
  EXPECT_THAT(queue->start_restore(other).error().message, HasSubstr("not a time"));
  EXPECT_EQ(queue->start_verification(kId).error().category, Category::unsupported);
  EXPECT_TRUE(queue->list().empty());
  EXPECT_EQ(content(out_ / "there.db"), "precious");
}

TEST_F(OperationQueueTest, AFileThatAppearsMeanwhileIsNotOverwritten) {
  const auto queue = make();
  store_.pause();
  const auto started = queue->start_restore(to(out_ / "new.db"));
  wait(*queue, started->id, is_running);
  std::ofstream(out_ / "new.db") << "precious";
  store_.resume();
  const Operation over = wait(*queue, started->id);
  EXPECT_EQ(over.state, OperationState::failed);
  EXPECT_THAT(over.error, HasSubstr("new.db"));
  EXPECT_EQ(content(out_ / "new.db"), "precious");
  EXPECT_EQ(files(out_), std::set<std::string>{"new.db"});
}

TEST_F(OperationQueueTest, ATxidThatIsNotThereFailsAndSaysSo) {
  const auto queue = make();
  web::RestoreRequest request = to(out_ / "new.db");
  request.txid = 77;
  const Operation over = wait(*queue, queue->start_restore(request)->id);
  EXPECT_EQ(over.state, OperationState::failed);
  EXPECT_THAT(over.error, HasSubstr("000000000000004d"));
  EXPECT_TRUE(files(out_).empty());
}

TEST_F(OperationQueueTest, ARunningAndAQueuedOneAreCancelledAndLeaveNothing) {
  const auto queue = make();
  store_.pause();
  const auto first = queue->start_restore(to(out_ / "first.db"));
  const auto second = queue->start_restore(download());
  wait(*queue, first->id, is_running);
  EXPECT_EQ(queue->cancel(second->id)->state, OperationState::cancelled);
  EXPECT_TRUE(queue->cancel(first->id)->cancelling);
  EXPECT_EQ(wait(*queue, first->id).state, OperationState::cancelled) << "though the store never answers";
  EXPECT_EQ(queue->cancel(first->id).error().category, Category::conflict);
  EXPECT_EQ(queue->cancel("none").error().category, Category::not_found);
  EXPECT_TRUE(files(out_).empty());
  EXPECT_TRUE(files(downloads_).empty());
  store_.resume();
  EXPECT_EQ(wait(*queue, queue->start_restore(to(out_ / "third.db"))->id).state, OperationState::succeeded);
}

TEST_F(OperationQueueTest, ADownloadIsOursAloneAndHandedOutWhole) {
  const auto queue = make();
  const auto started = queue->start_restore(download());
  const Operation over = wait(*queue, started->id);
  ASSERT_EQ(over.state, OperationState::succeeded) << over.error;
  EXPECT_TRUE(over.result->available);
  const fs::path file = downloads_ / (started->id + ".db");
  EXPECT_EQ(fs::status(file).permissions(), fs::perms::owner_read | fs::perms::owner_write);
  EXPECT_EQ(fs::status(downloads_).permissions(), fs::perms::owner_all);
  const auto opened = queue->open_download(started->id);
  ASSERT_TRUE(opened) << opened.error().message;
  EXPECT_EQ(opened->name, std::string(kId) + "-0000000000000001.db");
  base::Bytes bytes(opened->file->size_bytes());
  ASSERT_EQ(opened->file->read_at(0, bytes).value(), original_.size());
  EXPECT_TRUE(std::ranges::equal(bytes, original_, {}, {}, [](char c) { return static_cast<std::uint8_t>(c); }));
  const auto target = queue->start_restore(to(out_ / "x.db"));
  wait(*queue, target->id);
  EXPECT_EQ(queue->open_download(target->id).error().category, Category::conflict);
  EXPECT_EQ(queue->open_download("none").error().category, Category::not_found);
}

TEST_F(OperationQueueTest, ADownloadGoesWhenItsTimeIsOver) {
  const auto queue = make({.state_directory = {}, .download_life = 1ms});
  const auto started = queue->start_restore(download());
  wait(*queue, started->id, [this](const Operation& o) {
    return is_over(o.state) && o.result && !o.result->available && files(downloads_).empty();
  });
  EXPECT_THAT(queue->open_download(started->id).error().message, HasSubstr("deleted"));
}

TEST_F(OperationQueueTest, ADownloadGoesInTimeAlsoWhileAnotherOperationRuns) {
  const auto queue = make({.state_directory = {}, .download_life = 50ms});
  const auto started = queue->start_restore(download());
  wait(*queue, started->id);
  store_.pause();
  wait(*queue, queue->start_restore(to(out_ / "x.db"))->id, is_running);
  wait(*queue, started->id, [&](const Operation&) { return !queue->open_download(started->id); });
  EXPECT_FALSE(queue->find(started->id)->result->available);
  EXPECT_TRUE(files(downloads_).empty());
}

TEST_F(OperationQueueTest, ADownloadGoesWithItsOperationAndAtTheNextStart) {
  std::string kept;
  {
    const auto queue = make({.state_directory = {}, .listed_max = 2});
    const auto dropped = queue->start_restore(download());
    wait(*queue, dropped->id);
    kept = queue->start_restore(download())->id;
    wait(*queue, kept);
    wait(*queue, queue->start_restore(to(out_ / "x.db"))->id);
    EXPECT_FALSE(queue->find(dropped->id));
    EXPECT_EQ(files(downloads_), std::set<std::string>{kept + ".db"});
  }
  EXPECT_TRUE(files(downloads_).empty()) << "kept until the daemon ends";
  std::ofstream(downloads_ / "unfinished.db.tmp-1") << "x";
  const auto next = make();
  EXPECT_TRUE(files(downloads_).empty());
  EXPECT_TRUE(next->list().empty());
}

TEST_F(OperationQueueTest, TooManyWaitingAndTooManyDownloadsAreTurnedAway) {
  const auto queue = make({.state_directory = {}, .queued_max = 3, .downloads_max = 2});
  store_.pause();
  wait(*queue, queue->start_restore(download())->id, is_running);
  ASSERT_TRUE(queue->start_restore(download()));
  const auto third_download = queue->start_restore(download());
  ASSERT_FALSE(third_download);
  EXPECT_EQ(third_download.error().category, Category::throttled);
  ASSERT_TRUE(queue->start_restore(to(out_ / "1.db")));
  ASSERT_TRUE(queue->start_restore(to(out_ / "2.db")));
  const auto too_many = queue->start_restore(to(out_ / "3.db"));
  ASSERT_FALSE(too_many);
  EXPECT_EQ(too_many.error().category, Category::throttled);
  EXPECT_EQ(queue->list().size(), 4U);
}

TEST_F(OperationQueueTest, AStopCancelsEverythingAndTakesNothingMore) {
  const auto queue = make();
  store_.pause();
  const auto running = queue->start_restore(to(out_ / "new.db"));
  const auto queued = queue->start_restore(download());
  wait(*queue, running->id, is_running);
  queue->stop();
  EXPECT_EQ(queue->find(running->id)->state, OperationState::cancelled);
  EXPECT_EQ(queue->find(queued->id)->state, OperationState::cancelled);
  EXPECT_EQ(queue->start_restore(download()).error().category, Category::retry_later);
  EXPECT_TRUE(files(out_).empty());
}

TEST_F(OperationQueueTest, WhereNothingCanBeWrittenTheOperationFailsAndNamesThePlace) {
  const auto queue = make();
  fs::create_directories(state_);
  std::ofstream(downloads_) << "a file where the folder should be";
  const Operation over = wait(*queue, queue->start_restore(download())->id);
  EXPECT_EQ(over.state, OperationState::failed);
  EXPECT_THAT(over.error, HasSubstr("downloads"));
}

TEST_F(OperationQueueTest, AVerificationTellsWhatItFoundAndCanBeCancelled) {
  verify_ = [](const engine::ClientStatus& client, const std::stop_token&,
               const engine::OnDownloadProgress& progress) -> base::Result<engine::VerifyReport> {
    EXPECT_EQ(client.client_id, kId);
    progress({.bytes_done = 5, .bytes_total = 10, .objects_done = 1, .objects_total = 2});
    engine::VerifyReport report;
    report.verdict = engine::BackupVerdict::failure;
    report.state.txid = base::Txid{7};
    for (int i = 0; i < 30; ++i) report.findings.push_back({engine::BackupVerdict::failure, "key", "is damaged"});
    return report;
  };
  const auto queue = make();
  const Operation over = wait(*queue, queue->start_verification(kId)->id);
  ASSERT_EQ(over.state, OperationState::succeeded);
  EXPECT_EQ(over.result->verdict, "failure");
  EXPECT_EQ(over.result->txid, 7U);
  EXPECT_EQ(over.progress.bytes_total, 10U);
  EXPECT_EQ(over.result->findings.size(), 20U);
  EXPECT_EQ(over.result->findings_total, 30U);
}

}  // namespace
}  // namespace cli
