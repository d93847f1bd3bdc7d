// A TCP client that sends exactly the bytes a test says, for servers on loopback. Blocking, with a limit on every read,
// so that a server that forgets to answer fails the test instead of hanging it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace web::testing {

struct RawResponse {
  int status = 0;
  std::string head;  // without the empty line
  std::string body;
  // Empty if absent; names are compared without regard to case.
  [[nodiscard]] std::string header(std::string_view name) const;
};

class RawClient {
 public:
  // A small receive buffer makes a reader slow at once instead of after megabytes.
  enum class ReceiveBuffer { normal, tiny };

  explicit RawClient(std::uint16_t port, ReceiveBuffer buffer = ReceiveBuffer::normal);
  ~RawClient();
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  void send(std::string_view bytes) const;
  void close();

  // One answer with Content-Length; nullopt if the peer closes before it is whole, or says nothing for a long time.
  enum class Body { expected, none };
  std::optional<RawResponse> read_response(Body body = Body::expected);
  // Everything up to and including `end`; nullopt as above.
  std::optional<std::string> read_until(std::string_view end);
  // True once the peer has closed, false if it sent bytes or stays silent for a long time.
  bool is_closed_by_peer();

 private:
  bool receive();

  int fd_ = -1;
  std::string buffer_;
};

// "GET path HTTP/1.1" with a Host that passes, and further header lines if given ("Name: value\r\n").
std::string get_request(std::string_view path, std::string_view headers = "");
// One request on a connection of its own.
std::optional<RawResponse> fetch(std::uint16_t port, std::string_view path, std::string_view headers = "");

}  // namespace web::testing
