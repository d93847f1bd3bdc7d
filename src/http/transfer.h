// Client side of HTTP: all transfers of the process on one thread.
//
// TransferLoop owns one thread that drives libcurl's multi interface. Any thread starts transfers; callbacks and tasks
// run on the loop's thread, each exactly once, and must not block. With nothing in flight and no timer due the thread
// sleeps in the kernel until somebody wakes it: an idle loop costs no wake-up.
//
// Nothing is retried here and no redirect is followed: one start() is one request on the wire (libcurl may repeat it on
// a fresh connection if a kept one turns out dead before the first byte of the answer; the body is then read again).
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/error.h"

namespace http {

enum class Method { get, head, put, post, erase };
std::string_view to_string(Method method);  // "GET" ... "DELETE"

using Headers = std::vector<std::pair<std::string, std::string>>;

// Bytes to send, pulled on the loop's thread, perhaps more than once and from any offset. read_at fills `out`
// completely (it never reaches past size_bytes); its error ends the transfer and is handed to the callback unchanged.
struct RequestBody {
  std::uint64_t size_bytes = 0;
  std::function<base::Result<>(std::uint64_t offset, base::MutableByteView out)> read_at;
};

struct Request {
  Method method = Method::get;
  std::string url;  // http or https; sent exactly as written: no dot segments removed, nothing re-encoded
  Headers headers;  // Host, Content-Length and User-Agent are added by the loop; no Expect header is ever sent
  std::optional<RequestBody> body;              // put and post
  std::uint64_t response_bytes_max = 1U << 20;  // a longer answer is Category::corrupt
  std::chrono::milliseconds connect_timeout{10'000};
  std::chrono::seconds stall_timeout{30};  // no byte either way for so long: retry_later
  // Where to leave what had come of a 2xx answer's body when its connection broke; untouched otherwise.
  std::shared_ptr<base::Bytes> keep_partial;
};

struct Response {
  int status = 0;
  std::map<std::string, std::string> headers;  // names in lower case; repeated ones joined by ", "
  base::Bytes body;

  // Empty if absent. The view lives as long as the response.
  [[nodiscard]] std::string_view header(std::string_view lower_case_name) const;
};

// When the caller no longer wants the answer: Category::cancelled at once, also while waiting for a free slot.
struct CallLimits {
  std::optional<base::SteadyTime> deadline;
  std::stop_token stop;
};

// How much may happen at once.
struct TransferLimits {
  std::size_t in_flight_max = 128;                         // requests on the wire; the others wait in order
  std::size_t waiting_max = 100'000;                       // past it a request is answered with retry_later
  std::size_t connections_kept_max = 128;                  // idle connections kept open
  std::chrono::milliseconds connections_kept_for{60'000};  // then nothing is kept, and nothing wakes
};

struct TransferOptions {
  TransferLimits limits;
  std::string ca_file;  // PEM file of trusted authorities instead of the system's; empty: the system's
  std::string user_agent = "litestream-manager";
};

// AWS_CA_BUNDLE, else SSL_CERT_FILE, else empty.
std::string ca_file_from_environment();

class TransferLoop {
 public:
  // Runs on the loop's thread when the request gets its slot, so that what ages (a signature) is made at the last
  // moment.
  using Prepare = std::move_only_function<base::Result<Request>()>;
  // Any HTTP status is a response. Errors: retry_later (network), denied (TLS trust), invalid (URL), corrupt (answer
  // too long), cancelled, or what Prepare or the body returned.
  using Done = std::move_only_function<void(base::Result<Response>)>;
  using Task = std::move_only_function<void()>;

  explicit TransferLoop(TransferOptions options = {});
  // Cancels every transfer, runs every remaining task (delayed ones at once), then joins. Not from a callback.
  ~TransferLoop();
  TransferLoop(const TransferLoop&) = delete;
  TransferLoop& operator=(const TransferLoop&) = delete;

  // Never blocks. Any thread, callbacks included.
  void start(Prepare prepare, CallLimits limits, Done done);
  void start(Request request, CallLimits limits, Done done);

  // Runs a task on the loop's thread: soon, or not before `delay` has passed.
  void post(Task task);
  void post_after(std::chrono::milliseconds delay, Task task);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace http
