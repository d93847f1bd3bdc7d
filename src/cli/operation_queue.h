// Carries out what the API asks for, one operation after the other: restores to a new file or for a download, and
// verifications. Owns a thread that exists from the first operation on, so that a daemon nobody asks anything of has
// none.
//
// The list lives as long as the process. Nothing is ever overwritten, and an operation that did not succeed leaves
// nothing behind (but for a kill, whose unfinished file stays beside the target as "FILE.tmp-...").
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "engine/bill.h"
#include "engine/status_board.h"
#include "engine/verify.h"
#include "storage/object_store.h"
#include "web/operations.h"

namespace cli {

struct OperationQueueOptions {
  std::filesystem::path state_directory;               // downloads are made in its folder "downloads"
  std::chrono::milliseconds download_life{3'600'000};  // from its end until its file is deleted
  std::size_t queued_max = 100;                        // more: throttled
  std::size_t listed_max = 100;                        // those that are over go first, the oldest of them
  std::size_t downloads_max = 20;                      // asked for or there; more: throttled
};

// Reads a whole backup now; what it finds is recorded and shown by whoever does it (engine::Drills::verify_now).
using VerifyClient = std::function<base::Result<engine::VerifyReport>(
    const engine::ClientStatus& client, const std::stop_token& stop, engine::OnDownloadProgress on_progress)>;

class OperationQueue final : public web::Operations {
 public:
  // All of them outlive it. Deletes the downloads of an earlier run, and its own in the end. Without `verify` nothing
  // can be verified.
  OperationQueue(OperationQueueOptions options, storage::ObjectStore& store, const engine::StatusBoard& board,
                 engine::Bill& bill, VerifyClient verify);
  ~OperationQueue() override;
  OperationQueue(const OperationQueue&) = delete;
  OperationQueue& operator=(const OperationQueue&) = delete;

  base::Result<web::Operation> start_restore(web::RestoreRequest request) override;
  base::Result<web::Operation> start_verification(const std::string& client_id) override;
  [[nodiscard]] std::vector<web::Operation> list() const override;
  [[nodiscard]] std::optional<web::Operation> find(std::string_view id) const override;
  base::Result<web::Operation> cancel(std::string_view id) override;
  base::Result<web::Download> open_download(std::string_view id) override;

  // Cancels everything, and takes nothing more. Does not wait.
  void begin_stop();
  // The same, and waits for the thread. What is asked afterwards is answered from the list.
  void stop();

 private:
  struct Job;
  struct Discarded;
  using Outcome = base::Result<web::OperationResult>;

  base::Result<web::Operation> enqueue(std::shared_ptr<Job> job);
  void run(const std::stop_token& stop);
  // The two of work; called without the lock.
  Outcome restore(Job& job);
  Outcome verify(Job& job);
  [[nodiscard]] std::filesystem::path download_path(const std::string& id) const;
  engine::OnDownloadProgress progress_of(Job& job);
  // With the lock.
  [[nodiscard]] std::shared_ptr<Job> job_of(std::string_view id) const;
  [[nodiscard]] std::shared_ptr<Job> next_queued() const;
  [[nodiscard]] std::optional<base::SteadyTime> next_expiry() const;
  void finish(Job& job, Outcome outcome);
  void end(Job& job, web::OperationState state);
  // False: there is none.
  bool discard_expired(Discarded& discarded);
  void discard_file(Job& job, Discarded& discarded);
  void shorten_list(Discarded& discarded);

  const OperationQueueOptions options_;
  storage::ObjectStore& store_;
  const engine::StatusBoard& board_;
  engine::Bill& bill_;
  const VerifyClient verify_;
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<std::shared_ptr<Job>> jobs_;  // oldest first
  bool stopping_ = false;
  std::jthread thread_;  // last: it uses the others
};

}  // namespace cli
