// Long operations as the API shows them: what may be asked for, and what became of it. Who carries them out is behind
// an interface, so that nothing here reaches the engine.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "web/server/message.h"

namespace web {

enum class OperationKind : std::uint8_t { restore, verification };
enum class OperationState : std::uint8_t { queued, running, succeeded, failed, cancelled };
std::string_view to_string(OperationKind kind);
std::string_view to_string(OperationState state);
inline bool is_over(OperationState state) {
  return state != OperationState::queued && state != OperationState::running;
}

// Exactly one of `to` and `download`; at most one of `at` and `txid`.
struct RestoreRequest {
  std::string client_id;
  std::string to;         // path of the new file on the server; empty: a download
  bool download = false;  // into a file that open_download() hands out
  std::string at;         // a time as the flag -at of the restore command takes it; empty: none
  std::optional<std::uint64_t> txid;
};

struct OperationProgress {
  std::uint64_t bytes_done = 0, bytes_total = 0;  // read from the bucket; total 0: not known yet
  std::uint64_t objects_done = 0, objects_total = 0;
};

struct OperationFinding {
  std::string verdict;  // "warning", "failure"
  std::string object;   // key; may be empty
  std::string text;
};

// What a successful operation has to tell.
struct OperationResult {
  std::uint64_t txid = 0;       // of the state that was read; 0: a backup that knows none
  base::UnixMillis time{0};     // of that state
  std::uint64_t bytes = 0;      // of the database
  std::string note;             // worth knowing; empty: nothing
  bool available = false;       // of a download: the file is there
  base::UnixMillis expires{0};  // and is deleted then
  // Of a verification.
  std::string verdict;  // "ok", "warning", "failure"
  bool source_equal = false;
  std::vector<OperationFinding> findings;
  std::uint64_t findings_total = 0;  // also those that are not in `findings`
};

struct Operation {
  std::string id;
  OperationKind kind = OperationKind::restore;
  OperationState state = OperationState::queued;
  bool cancelling = false;  // it was asked to end and is about to
  RestoreRequest request;   // of a verification: the client alone
  OperationProgress progress;
  base::UnixMillis queued{0};
  std::optional<base::UnixMillis> started, finished;
  std::optional<OperationResult> result;  // succeeded
  std::string error;                      // failed: what, where, how to mend it
};

struct Download {
  std::string name;  // for whom receives it: "GUID-TXID.db"
  std::shared_ptr<BodySource> file;
};

// Thread safe. No call waits for an operation or for the store; start_restore() and open_download() look at the local
// disk once.
class Operations {
 public:
  virtual ~Operations() = default;
  // The operation as it was queued.
  //   invalid    a wrong request: no such client, an unusable path, no time
  //   conflict   something stands at the path
  //   throttled  too many are queued
  virtual base::Result<Operation> start_restore(RestoreRequest request) = 0;
  virtual base::Result<Operation> start_verification(const std::string& client_id) = 0;
  // Newest first, and bounded.
  [[nodiscard]] virtual std::vector<Operation> list() const = 0;
  [[nodiscard]] virtual std::optional<Operation> find(std::string_view id) const = 0;
  // A queued one ends at once, a running one as soon as it notices. not_found; conflict: it is over.
  virtual base::Result<Operation> cancel(std::string_view id) = 0;
  // not_found: no such operation, or its file is gone; conflict: it is not a download that has succeeded.
  virtual base::Result<Download> open_download(std::string_view id) = 0;
};

}  // namespace web
