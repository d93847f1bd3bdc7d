// An HTTP server for tests that answers by script: the nth request gets the nth answer, whatever it asks. One thread,
// one connection at a time, loopback only. Requests are recorded as they came, for assertions.
//
// A request beyond the script is answered with 500 and the connection is closed; it is recorded too, so that a test
// which compares requests() notices.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace test_support {

struct SeenRequest {
  std::string method;
  std::string target;                          // path and query, exactly as sent
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
};

struct ScriptedAnswer {
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  enum class Then {
    keep_alive,   // the whole answer; the connection stays open
    close,        // the whole answer, then the connection is closed
    cut_in_half,  // full Content-Length, half of the body, then the connection is closed
    drop,         // nothing at all: the connection is closed without an answer
    hang,         // nothing at all: the connection stays open until the server is destroyed
  } then = Then::keep_alive;
};

class ScriptedHttpServer {
 public:
  explicit ScriptedHttpServer(std::vector<ScriptedAnswer> script);
  ~ScriptedHttpServer();
  ScriptedHttpServer(const ScriptedHttpServer&) = delete;
  ScriptedHttpServer& operator=(const ScriptedHttpServer&) = delete;

  [[nodiscard]] std::string url() const;  // "http://127.0.0.1:port"
  [[nodiscard]] std::vector<SeenRequest> requests() const;
  [[nodiscard]] std::size_t connections() const;
  // Blocks until that many requests have come in whole.
  void wait_for_requests(std::size_t count) const;

 private:
  void run();
  void serve(int connection);
  bool wait_readable(int descriptor) const;
  bool read_request(int connection, std::string& buffered, SeenRequest& request) const;
  bool read_more(int connection, std::string& buffered) const;
  bool answer(int connection, const SeenRequest& request, const ScriptedAnswer& answer) const;

  const std::vector<ScriptedAnswer> script_;
  int listener_ = -1;
  int stop_pipe_[2] = {-1, -1};
  std::uint16_t port_ = 0;
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::vector<SeenRequest> requests_;  // guarded by mutex_
  std::size_t connections_ = 0;        // guarded by mutex_
  std::thread thread_;
};

}  // namespace test_support
