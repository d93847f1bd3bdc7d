// Brings databases back that the bucket knows and the disk does not, while the daemon already works for all others. A
// database appears at its place whole and proven, by one rename, so it is found like any new file, and its client goes
// on with the history in the bucket.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "base/error.h"
#include "engine/bill.h"
#include "engine/ledger.h"
#include "engine/missing_clients.h"
#include "engine/status_board.h"
#include "storage/object_store.h"

namespace engine {

struct MissingOptions {
  unsigned clients_at_a_time = 4;
  // Of what may pass by itself: a directory that cannot be watched, a store that is away. Doubled up to the second.
  std::chrono::milliseconds retry_min{2'000}, retry_max{300'000};
};

// Owns a thread, which ends when all is done; about 24 MiB while it works. Nothing that exists is ever replaced. What
// cannot be brought back (a damaged backup, a full disk, a file in the way) keeps nobody else back, is told in the log
// and in a notice, and is tried again at the next start; a store that is away is waited for.
class MissingRestorer {
 public:
  // All of them outlive it. Begins once every watched directory is there, since one that is not may hold what seems to
  // be missing.
  MissingRestorer(MissingOptions options, storage::ObjectStore& store, Ledger& ledger, StatusBoard& board, Bill& bill);
  // Asks for the end without waiting for it: the check of a large database takes its time. Any thread.
  void begin_stop();
  // Ends what is under way; large restores are gone on with at the next start.
  ~MissingRestorer();

 private:
  enum class Outcome : std::uint8_t { restored, there_already, lives_elsewhere, failed, try_again };
  struct Sums {
    std::size_t wanted = 0, restored = 0, elsewhere = 0, there = 0;
    std::vector<std::string> failures;  // "GUID: why"
  };

  void run(const std::stop_token& stop);
  std::optional<std::vector<std::string>> wait_for_directories(const std::stop_token& stop);
  std::optional<MissingClients> find(const std::vector<std::string>& watch_dirs, const std::stop_token& stop);
  Outcome bring_back(const MissingClient& client, std::string& why, const std::stop_token& stop);
  base::Result<bool> continued_elsewhere(const MissingClient& client, const storage::CallContext& context);
  void tell_progress(const Sums& sums);
  void tell_end(const Sums& sums, const MissingClients& found);
  void pause(std::chrono::milliseconds time, const std::stop_token& stop);

  MissingOptions options_;
  storage::ObjectStore& store_;
  Ledger& ledger_;
  StatusBoard& board_;
  Bill& bill_;
  std::mutex mutex_;
  std::condition_variable_any stopped_;
  std::jthread thread_;  // last: it uses the others
};

}  // namespace engine
