// The daemon proves its own backups: each client once in a given time, one after the other, evenly spread, those first
// whose last verification is longest ago. What it finds stands in the client's status, in the state directory
// (verification_log.h), in a notice and in the log.
#pragma once

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>

#include "base/clock.h"
#include "base/error.h"
#include "engine/bill.h"
#include "engine/status_board.h"
#include "engine/verification_log.h"
#include "engine/verify.h"
#include "os/closer.h"
#include "storage/object_store.h"

namespace engine {

// When the next client is due. `clients` share one `round`; the first drill of a state directory waits for a part of
// its interval only, at most kFirstDrill, since a fleet that is restarted often shall be verified, too.
inline constexpr std::chrono::minutes kFirstDrill{10};
base::UnixMillis next_drill(std::chrono::milliseconds round, std::size_t clients, base::UnixMillis started,
                            std::optional<base::UnixMillis> last);

struct DrillOptions {
  std::filesystem::path state_directory;
  std::chrono::milliseconds round{0};  // each client once in this time
};

// Owns a thread, which does everything and sleeps while nothing is due. It reads a database of the fleet only raw.
class Drills {
 public:
  // All of them outlive it. io, denied, corrupt: verifications.db cannot be used.
  static base::Result<std::unique_ptr<Drills>> start(DrillOptions options, storage::ObjectStore& store,
                                                     StatusBoard& board, Bill& bill, os::FileCloser& closer);
  // Ends a verification that is under way, which then does not count.
  ~Drills();

  // The same for one client now, on the calling thread, beside what the schedule does: the verdict is recorded and
  // shown like that of a drill. Any thread. Errors: those of verify_backup().
  base::Result<VerifyReport> verify_now(const ClientStatus& client, const std::stop_token& stop,
                                        OnDownloadProgress on_progress);

 private:
  Drills(DrillOptions options, VerificationLog log, storage::ObjectStore& store, StatusBoard& board, Bill& bill,
         os::FileCloser& closer);
  // Takes over what the log says beyond what is known, also of the command.
  base::Result<> recall();
  void run(const std::stop_token& stop);
  [[nodiscard]] std::shared_ptr<const ClientStatus> choose(const FleetStatus& fleet) const;
  void drill(const ClientStatus& client, const std::stop_token& stop);
  [[nodiscard]] base::Result<VerifyReport> verify(const ClientStatus& client, const std::stop_token& stop,
                                                  OnDownloadProgress on_progress) const;
  void take(const base::DatabaseId& id, const VerifyReport& report, VerificationLog& log);
  void show(const VerificationRecord& record);

  DrillOptions options_;
  VerificationLog log_;
  storage::ObjectStore& store_;
  StatusBoard& board_;
  Bill& bill_;
  os::FileCloser& closer_;
  base::UnixMillis started_;
  std::map<std::string, base::UnixMillis> last_;  // tried, by client
  std::mutex shown_;
  std::map<std::string, std::string> failures_;  // by client: object and worst finding; under shown_
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::jthread thread_;  // last: it uses the others
};

}  // namespace engine
