// For tests only: one client with everything around it, in time that passes at once: an application in another process,
// a store in memory, events by hand, and deaths of the daemon.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "engine/client.h"
#include "engine/testing.h"
#include "ltx/decoder.h"
#include "ltx/provenance.h"
#include "storage/keys.h"
#include "storage/memory_store.h"

namespace engine::testing {

inline const base::DatabaseId kClientId{"11111111-2222-3333-4444-555555555555"};

// What a restore gives at each TXID of the bucket; checks that the chain is whole and that every object tells the
// checksum of the state that it makes.
inline Pages restored_pages(const storage::MemoryStore& store, const base::DatabaseId& id = kClientId) {
  const std::string replica = storage::replica_path(id);
  std::vector<storage::LtxName> names;
  for (const std::string& key : store.keys()) {
    if (const auto name = storage::parse_ltx_key(store.layout(), replica, key)) names.push_back(*name);
  }
  std::ranges::sort(names, {}, [](const storage::LtxName& name) { return name.max.value; });
  Pages pages;
  std::uint64_t newest = 0;
  for (const storage::LtxName& name : names) {
    EXPECT_TRUE(name.min.value == newest + 1 || name.min.value == 1) << "a hole before " << name.min.value;
    newest = name.max.value;
    const auto bytes = store.peek(storage::ltx_key(store.layout(), replica, name).value);
    ltx::Decoder decoder(ltx::memory_source(*bytes));
    const ltx::Header header = decoder.read_header().value();
    if (header.is_snapshot()) pages.clear();
    for (auto page = decoder.next_page().value(); page; page = decoder.next_page().value()) {
      pages[page->page_number] = base::Bytes(page->data.begin(), page->data.end());
    }
    EXPECT_TRUE(decoder.finish().has_value());
    std::erase_if(pages, [&](const auto& item) { return item.first > header.commit; });
    const auto who = ltx::provenance(header);
    EXPECT_TRUE(!who || who->database_checksum == checksum_of(pages)) << "at TXID " << newest;
  }
  return pages;
}

class ClientTest : public ::testing::Test {
 protected:
  ClientTest() {
    std::filesystem::create_directory(dir_ / "clients");
    std::filesystem::create_directory(dir_ / "staging");
    options_.sync_interval = std::chrono::milliseconds(100);
    options_.staging_directory = dir_ / "staging";
  }
  // Its callbacks post to the clients.
  ~ClientTest() override { store_.reset(); }

  void start_app() {
    app_ = std::make_unique<os::testing::SqliteShell>(database_);
    app_->run("PRAGMA journal_mode=WAL; CREATE TABLE IF NOT EXISTS t(a INTEGER PRIMARY KEY, b);");
  }
  void end_app() {
    app_->finish();
    app_.reset();
    happens(FileEventKind::index_closed);
    happens(FileEventKind::log_deleted);
  }
  void commit(int times = 1, int bytes = 500) {
    for (int i = 0; i < times; ++i) app_->run("INSERT INTO t(b) VALUES(randomblob(" + std::to_string(bytes) + "));");
    happens(FileEventKind::log_modified);
  }
  void happens(FileEventKind kind) {
    if (client_ != nullptr) client_->post(FileEvent{kind, stream_.next(), {}});
  }

  // The daemon starts. Without `state` it knows nothing.
  void start_client(const std::string& state = "state.db") {
    ledgers_.push_back(std::move(*Ledger::open(dir_ / state)));
    auto context = std::make_unique<ClientContext>();
    context->clock = &clock_;
    context->ledger = ledgers_.back().get();
    context->store = store_.get();
    context->closer = &closer_;
    context->stream = &stream_;
    context->probe = &probe_;
    context->memory = memory_.get();
    context->base_jobs = &base_jobs_;
    context->options = options_;
    context->run_began = clock_.unix_now();
    context->late_uploads_overwrite = late_uploads_overwrite_;
    context->publish = [this](std::shared_ptr<const ClientStatus> status) { status_ = std::move(status); };
    context->in_background = [](auto job) { job(std::stop_token()); };
    context->takeover_answered = [this](const base::DatabaseId&) { ++takeovers_answered_; };
    contexts_.push_back(std::move(context));
    const ClientRecord record = *ledgers_.back()->find_or_create(kClientId, database_.string(), clock_.unix_now());
    clients_.push_back(std::make_unique<Client>(
        record, *contexts_.back(), NewPolicy(NewPolicy(), &contexts_.back()->options), [this] { wake(); }));
    client_ = clients_.back().get();
    client_->post(Command::appear);
    happens(FileEventKind::checked);
  }
  // The daemon is killed and starts again with the state directory as it was at that moment. What it sent may still
  // arrive; nobody works on its answers.
  void kill_and_restart() {
    ++restarts_;
    const std::string from = "state" + (restarts_ > 1 ? std::to_string(restarts_ - 1) : "") + ".db";
    const std::string to = "state" + std::to_string(restarts_) + ".db";
    for (const char* part : {"", "-wal"}) {
      os::testing::write_text((dir_ / to).string() + part, os::testing::read_text((dir_ / from).string() + part));
    }
    client_ = nullptr;
    start_client(to);
  }

  std::uint64_t wakes() {
    const std::scoped_lock lock(mutex_);
    return wakes_;
  }
  void wake() {
    const std::scoped_lock lock(mutex_);
    ++wakes_;
    woken_.notify_all();
  }
  bool wait_for_wake(std::uint64_t seen, std::chrono::milliseconds limit) {
    std::unique_lock lock(mutex_);
    return woken_.wait_for(lock, limit, [&] { return wakes_ != seen; });
  }
  // One step, and then what the scheduler would have waited for: mail (the store may be at work while the client is
  // behind), or the time it asked for.
  void step() {
    if (std::filesystem::exists(database_)) age_file(database_);
    const std::uint64_t seen = wakes();
    const auto due = client_->step();
    if (due && *due <= clock_.steady_now()) return;
    const bool may_get_mail = !due || !status_ || status_->behind;
    if (wait_for_wake(seen, std::chrono::milliseconds(may_get_mail ? 5 : 0)) || !due) return;
    clock_.advance(*due - clock_.steady_now());
  }
  bool run_until(const std::function<bool()>& fact) {
    for (int i = 0; i < 2000; ++i) {
      step();
      if (fact()) return true;
    }
    return false;
  }
  // Everything that is committed is in the bucket.
  bool run_until_stored() {
    return run_until([this] { return status_ && !status_->behind; }) &&
           restored_pages(*store_) == committed_pages(database_);
  }

  os::testing::TempDir dir_;
  std::filesystem::path database_ = dir_ / ("clients/" + kClientId.value + ".db");
  ManualClock clock_;
  FakeStream stream_;
  os::FileCloser closer_;
  Probe probe_;
  std::unique_ptr<MemoryBudget> memory_ = std::make_unique<MemoryBudget>(std::int64_t{256} << 20);
  Places base_jobs_{2};
  ClientOptions options_;
  std::shared_ptr<const ClientStatus> status_;
  std::unique_ptr<os::testing::SqliteShell> app_;

  std::mutex mutex_;
  std::condition_variable woken_;
  std::uint64_t wakes_ = 0;
  int restarts_ = 0, takeovers_answered_ = 0;
  bool late_uploads_overwrite_ = false;
  std::vector<std::unique_ptr<Ledger>> ledgers_;
  std::vector<std::unique_ptr<ClientContext>> contexts_;
  std::unique_ptr<storage::MemoryStore> store_ = std::make_unique<storage::MemoryStore>();
  std::vector<std::unique_ptr<Client>> clients_;
  Client* client_ = nullptr;
};

}  // namespace engine::testing
