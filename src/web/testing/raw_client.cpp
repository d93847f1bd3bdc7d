#include "web/testing/raw_client.h"

#include <array>
#include <charconv>
#include <cstdlib>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"

namespace web::testing {

namespace {

constexpr int kPatienceMillis = 20'000;

}  // namespace

std::string RawResponse::header(std::string_view name) const {
  std::size_t begin = head.find("\r\n");
  while (begin != std::string::npos) {
    begin += 2;
    const std::size_t end = head.find("\r\n", begin);
    const std::string line = head.substr(begin, end == std::string::npos ? end : end - begin);
    if (line.size() > name.size() + 1 && line[name.size()] == ':' &&
        strncasecmp(line.data(), name.data(), name.size()) == 0) {
      return line.substr(name.size() + 2);
    }
    begin = end;
  }
  return "";
}

RawClient::RawClient(std::uint16_t port, ReceiveBuffer buffer) {
  fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  CHECK(fd_ >= 0);
  if (buffer == ReceiveBuffer::tiny) {
    const int bytes = 4096;
    setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
  }
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  CHECK(::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
}

RawClient::~RawClient() {
  close();
}

void RawClient::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

void RawClient::send(std::string_view bytes) const {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return;  // the peer has closed; the test sees it when it reads
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

bool RawClient::receive() {
  pollfd ready{.fd = fd_, .events = POLLIN, .revents = 0};
  if (::poll(&ready, 1, kPatienceMillis) != 1) return false;
  std::array<char, 16'384> bytes{};
  const ssize_t received = ::recv(fd_, bytes.data(), bytes.size(), 0);
  if (received <= 0) return false;
  buffer_.append(bytes.data(), static_cast<std::size_t>(received));
  return true;
}

std::optional<std::string> RawClient::read_until(std::string_view end) {
  std::size_t found = 0;
  while ((found = buffer_.find(end)) == std::string::npos) {
    if (!receive()) return std::nullopt;
  }
  std::string text = buffer_.substr(0, found + end.size());
  buffer_.erase(0, found + end.size());
  return text;
}

std::optional<RawResponse> RawClient::read_response(Body body) {
  auto head = read_until("\r\n\r\n");
  if (!head) return std::nullopt;
  RawResponse response;
  response.head = head->substr(0, head->size() - 4);
  const std::string_view code = std::string_view(response.head).substr(9, 3);
  std::from_chars(code.data(), code.data() + code.size(), response.status);
  if (body == Body::none || response.status == 304) return response;
  const std::size_t length = std::strtoul(response.header("Content-Length").c_str(), nullptr, 10);
  while (buffer_.size() < length) {
    if (!receive()) return std::nullopt;
  }
  response.body = buffer_.substr(0, length);
  buffer_.erase(0, length);
  return response;
}

bool RawClient::is_closed_by_peer() {
  if (!buffer_.empty()) return false;
  pollfd ready{.fd = fd_, .events = POLLIN, .revents = 0};
  if (::poll(&ready, 1, kPatienceMillis) != 1) return false;
  char byte = 0;
  return ::recv(fd_, &byte, 1, MSG_PEEK) <= 0;
}

std::string get_request(std::string_view path, std::string_view headers) {
  return "GET " + std::string(path) + " HTTP/1.1\r\nHost: localhost\r\n" + std::string(headers) + "\r\n";
}

std::optional<RawResponse> fetch(std::uint16_t port, std::string_view path, std::string_view headers) {
  RawClient client(port);
  client.send(get_request(path, headers));
  return client.read_response();
}

}  // namespace web::testing
