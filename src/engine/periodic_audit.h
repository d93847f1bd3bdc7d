// The daemon audits its bucket by itself, once in a long while (decision 0020): compares it with what is recorded,
// heals, and tells what is nobody's. What it finds stands in the fleet's status, in a notice where something was lost,
// in the log and in the state database.
#pragma once

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>

#include "base/clock.h"
#include "base/error.h"
#include "engine/audit_round.h"
#include "engine/bill.h"
#include "engine/ledger.h"
#include "engine/probe.h"
#include "engine/status_board.h"
#include "storage/object_store.h"

namespace engine {

struct AuditOptions {
  std::filesystem::path state_directory;
  std::chrono::milliseconds every{0};  // from the end of one to the beginning of the next; 0: never
  // The first one of a state directory comes sooner, but not while everything begins.
  std::chrono::milliseconds first_after{std::chrono::hours(24)};
  std::chrono::milliseconds page_pause{1'000};  // between two requests
  // After one that failed, and while uploads fail; doubled up to the second.
  std::chrono::milliseconds retry_min{30'000}, retry_max{std::chrono::hours(1)};
};

// When the next audit begins. `counted_from`: when this state directory was first asked, by its own word.
base::UnixMillis next_audit(const AuditOptions& options, base::UnixMillis counted_from,
                            std::optional<base::UnixMillis> last_ended);

// Owns a thread, which does everything, comes after the applications, and sleeps while nothing is due.
class PeriodicAudit {
 public:
  // All of them outlive it. `probe` tells how uploads fare: nothing is asked while they fail.
  PeriodicAudit(AuditOptions options, storage::ObjectStore& store, Ledger& ledger, StatusBoard& board, Bill& bill,
                const Probe& probe, AuditHealer healer);
  // Ends an audit that is under way; the next start goes on with it.
  ~PeriodicAudit();

 private:
  void recall();
  void run(const std::stop_token& stop);
  void audit(const std::stop_token& stop);
  base::Result<> go_on(AuditRound& round, const std::stop_token& stop);
  base::Result<> pace(const std::stop_token& stop);
  void save(const AuditProgress& progress);
  void finish(const AuditProgress& progress);
  void remember(const char* name, const std::string& text);
  void show(std::optional<AuditStatus> running);
  base::Result<> wait_for_uploads(const std::stop_token& stop);
  bool uploads_fail();
  [[nodiscard]] bool somebody_waits() const;
  // False: it is to end.
  bool pause(std::chrono::milliseconds time, const std::stop_token& stop);
  [[nodiscard]] base::UnixMillis due() const;

  AuditOptions options_;
  storage::ObjectStore& store_;
  Ledger& ledger_;
  StatusBoard& board_;
  Bill& bill_;
  const Probe& probe_;
  AuditHealer healer_;
  base::UnixMillis counted_from_{0};
  std::optional<AuditStatus> last_;
  AuditProgress progress_;  // of the one under way
  bool under_way_ = false;
  AuditRound* round_ = nullptr;  // while it runs
  base::SteadyTime saved_{};
  std::uint64_t uploads_seen_ = 0, failures_seen_ = 0;
  bool failing_ = false;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::jthread thread_;  // last: it uses the others
};

}  // namespace engine
