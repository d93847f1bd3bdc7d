#include "oracle/worker/writer.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>

#include "oracle/worker/changes.h"
#include "oracle/worker/content.h"
#include "oracle/worker/journal.h"
#include "oracle/worker/stop.h"

namespace oracle {

namespace {

using Clock = std::chrono::steady_clock;

constexpr int kBusyTimeoutMs = 2000;

class Writer {
 public:
  explicit Writer(const WriterSettings& settings)
      : settings_(settings),
        journal_(settings.journal),
        random_(settings.seed),
        may_fail_(settings.failures.sync_per_mille + settings.failures.write_per_mille > 0) {
    if (may_fail_) make_logs_fail(settings.failures, settings.seed + 1);
  }

  void run();

 private:
  void once();
  void open();
  void create();
  void transaction();
  Head make_state(const Head& before, std::uint64_t rows_sum);
  void work(Changes& changes);
  void commit(const Head& head);
  void afterwards();
  void after_action(const std::string& action);
  void note_page_rewrite();

  const WriterSettings& settings_;
  const Journal journal_;
  Random random_;
  const bool may_fail_;
  std::unique_ptr<Database> database_;
};

void Writer::run() {
  auto due = Clock::now();
  while (!stop_requested_before(due)) {
    try {
      once();
    } catch (const Busy&) {
      if (database_) database_->roll_back();
    } catch (const DiskFailed&) {
      // A COMMIT that failed so is in doubt: whoever recovers the log may find it whole.
      if (!may_fail_) throw;
      if (database_) database_->roll_back();
    }
    if (settings_.one_shot) database_.reset();
    const std::chrono::duration<double> pause(std::exponential_distribution<>(settings_.rate)(random_));
    due = std::max(due, Clock::now() - std::chrono::seconds(1)) + std::chrono::duration_cast<Clock::duration>(pause);
  }
}

void Writer::once() {
  if (!database_) open();
  transaction();
  afterwards();
}

void Writer::open() {
  database_ = std::make_unique<Database>(settings_.database, Database::Mode::read_write, kBusyTimeoutMs);
  database_->run("PRAGMA locking_mode=" + settings_.locking + "; PRAGMA synchronous=" + settings_.synchronous +
                 "; PRAGMA wal_autocheckpoint=" + std::to_string(settings_.autocheckpoint));
  if (settings_.cache_pages > 0) database_->run("PRAGMA cache_size=" + std::to_string(settings_.cache_pages));
  if (database_->integer("SELECT count(*) FROM sqlite_schema") == 0) create();
}

void Writer::create() {
  database_->run("PRAGMA page_size=" + std::to_string(settings_.page_size) + "; PRAGMA auto_vacuum=" +
                 std::to_string(settings_.auto_vacuum) + "; PRAGMA journal_mode=" + settings_.new_journal_mode);
  database_->run("BEGIN IMMEDIATE");
  if (read_head(*database_)) {
    database_->roll_back();
    return;
  }
  create_tables(*database_);
  commit(make_state(Head(), 0));
}

// The state that follows `before`, written into the transaction.
Head Writer::make_state(const Head& before, std::uint64_t rows_sum) {
  Head head{.number = before.number + 1,
            .previous = before.hash.empty() ? std::string(kNoState) : before.hash,
            .nonce = random_hex(random_, 8),
            .rows_sum = rows_sum,
            .schema_sum = sum_of_schema(*database_),
            .hash = {}};
  head.hash = head.computed_hash();
  write_head(*database_, head);
  return head;
}

void Writer::work(Changes& changes) {
  const auto bytes =
      database_->integer("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size") -
      database_->integer("SELECT freelist_count * page_size FROM pragma_freelist_count, pragma_page_size");
  if (bytes > settings_.bytes_max) {
    changes.apply("clear");
    return;
  }
  std::vector<int> weights;
  for (const auto& [name, weight] : settings_.changes) weights.push_back(weight);
  std::discrete_distribution<std::ptrdiff_t> choose(weights.begin(), weights.end());
  for (std::int64_t i = pick(random_, 1, 3); i > 0; --i) {
    changes.apply(std::next(settings_.changes.begin(), choose(random_))->first);
  }
}

void Writer::transaction() {
  database_->run("BEGIN IMMEDIATE");
  const auto before = read_head(*database_);
  if (!before) {  // the disk failed while it was made
    database_->roll_back();
    return create();
  }
  Changes changes(*database_, random_, before->rows_sum);
  work(changes);
  const Head after = make_state(*before, changes.rows_sum());
  if (pick(random_, 1, 100) <= settings_.rollback_percent) {
    journal_.rolled_back(after);
    database_->roll_back();
  } else {
    commit(after);
  }
}

void Writer::commit(const Head& head) {
  journal_.intends(head);
  const auto deadline = Clock::now() + std::chrono::seconds(20);
  while (true) {
    try {
      database_->run("COMMIT");
      journal_.committed(head);
      return;
    } catch (const Busy&) {
      // A reader of a database in rollback mode. The transaction stays whole; COMMIT may be said again.
      if (Clock::now() < deadline) continue;
      database_->roll_back();
      journal_.rolled_back(head);
      throw;
    }
  }
}

void Writer::afterwards() {
  for (const auto& [action, per_mille] : settings_.after) {
    if (pick(random_, 1, 1000) <= per_mille) after_action(action);
  }
}

void Writer::note_page_rewrite() {
  if (const auto head = read_head(*database_)) journal_.rewrites_pages(*head);
}

void Writer::after_action(const std::string& action) {
  if (action == "reopen") {
    database_.reset();
    open();
  } else if (action == "vacuum") {
    note_page_rewrite();
    database_->run("VACUUM");
  } else if (action == "page_size") {
    // Only without a log can the size of pages change.
    note_page_rewrite();
    database_->run("PRAGMA journal_mode=delete");
    database_->run("PRAGMA page_size=" + std::to_string(std::int64_t{512} << pick(random_, 0, 7)) + "; VACUUM");
    database_->run("PRAGMA journal_mode=wal");
  } else if (action == "delete_mode" || action == "truncate_mode" || action == "persist_mode") {
    note_page_rewrite();
    database_->run("PRAGMA journal_mode=" + action.substr(0, action.find('_')));
  } else if (action == "wal_mode") {
    note_page_rewrite();
    database_->run("PRAGMA journal_mode=wal");
  } else {
    // passive, full, restart, truncate
    database_->run("PRAGMA wal_checkpoint(" + action + ")");
  }
}

}  // namespace

void run_writer(const WriterSettings& settings) {
  Writer(settings).run();
}

}  // namespace oracle
