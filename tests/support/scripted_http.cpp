#include "support/scripted_http.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace test_support {

namespace {

void require(bool ok, const char* what) {
  if (ok) return;
  std::perror(what);
  std::abort();
}

bool send_all(int connection, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(connection, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

void parse_head(std::string_view head, SeenRequest& request) {
  const std::size_t line_end = head.find("\r\n");
  const std::string_view line = head.substr(0, line_end);
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  request.method = line.substr(0, first);
  request.target = line.substr(first + 1, last - first - 1);
  std::size_t at = line_end == std::string_view::npos ? head.size() : line_end + 2;
  while (at < head.size()) {
    const std::size_t end = std::min(head.find("\r\n", at), head.size());
    const std::string_view field = head.substr(at, end - at);
    const std::size_t colon = field.find(':');
    if (colon != std::string_view::npos) {
      const std::size_t value = std::min(field.find_first_not_of(' ', colon + 1), field.size());
      request.headers[lower(std::string(field.substr(0, colon)))] = field.substr(value);
    }
    at = end + 2;
  }
}

}  // namespace

ScriptedHttpServer::ScriptedHttpServer(std::vector<ScriptedAnswer> script) : script_(std::move(script)) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  require(listener_ >= 0, "socket");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  require(::bind(listener_, generic, size) == 0, "bind");
  require(::listen(listener_, 64) == 0, "listen");
  require(::getsockname(listener_, generic, &size) == 0, "getsockname");
  port_ = ntohs(address.sin_port);
  require(::pipe(stop_pipe_) == 0, "pipe");
  thread_ = std::thread([this] { run(); });
}

ScriptedHttpServer::~ScriptedHttpServer() {
  ::close(stop_pipe_[1]);
  thread_.join();
  ::close(stop_pipe_[0]);
  ::close(listener_);
}

std::string ScriptedHttpServer::url() const {
  return "http://127.0.0.1:" + std::to_string(port_);
}

std::vector<SeenRequest> ScriptedHttpServer::requests() const {
  const std::scoped_lock lock(mutex_);
  return requests_;
}

std::size_t ScriptedHttpServer::connections() const {
  const std::scoped_lock lock(mutex_);
  return connections_;
}

void ScriptedHttpServer::wait_for_requests(std::size_t count) const {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return requests_.size() >= count; });
}

// False when the server is being destroyed.
bool ScriptedHttpServer::wait_readable(int descriptor) const {
  pollfd waits[2] = {{descriptor, POLLIN, 0}, {stop_pipe_[0], POLLIN, 0}};
  while (::poll(waits, 2, -1) < 0) {
  }
  return waits[1].revents == 0;
}

void ScriptedHttpServer::run() {
  while (wait_readable(listener_)) {
    const int connection = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (connection < 0) continue;
    {
      const std::scoped_lock lock(mutex_);
      ++connections_;
    }
    serve(connection);
    ::close(connection);
  }
}

void ScriptedHttpServer::serve(int connection) {
  std::string buffered;
  SeenRequest request;
  while (read_request(connection, buffered, request)) {
    std::size_t number = 0;
    {
      const std::scoped_lock lock(mutex_);
      number = requests_.size();
      requests_.push_back(request);
    }
    changed_.notify_all();
    const ScriptedAnswer beyond{.status = 500, .headers = {}, .body = {}, .then = ScriptedAnswer::Then::close};
    if (!answer(connection, request, number < script_.size() ? script_[number] : beyond)) return;
  }
}

bool ScriptedHttpServer::read_more(int connection, std::string& buffered) const {
  if (!wait_readable(connection)) return false;
  char chunk[65536];
  const ssize_t got = ::recv(connection, chunk, sizeof chunk, 0);
  if (got <= 0) return false;
  buffered.append(chunk, static_cast<std::size_t>(got));
  return true;
}

bool ScriptedHttpServer::read_request(int connection, std::string& buffered, SeenRequest& request) const {
  std::size_t head_end = 0;
  while ((head_end = buffered.find("\r\n\r\n")) == std::string::npos) {
    if (!read_more(connection, buffered)) return false;
  }
  request = {};
  parse_head(std::string_view(buffered).substr(0, head_end), request);
  const auto length = request.headers.find("content-length");
  const std::size_t body_bytes = length == request.headers.end() ? 0 : std::stoul(length->second);
  const std::size_t total = head_end + 4 + body_bytes;
  while (buffered.size() < total) {
    if (!read_more(connection, buffered)) return false;
  }
  request.body = buffered.substr(head_end + 4, body_bytes);
  buffered.erase(0, total);
  return true;
}

bool ScriptedHttpServer::answer(int connection, const SeenRequest& request, const ScriptedAnswer& answer) const {
  using Then = ScriptedAnswer::Then;
  if (answer.then == Then::drop) return false;
  if (answer.then == Then::hang) {
    wait_readable(stop_pipe_[0]);
    return false;
  }
  std::string text = "HTTP/1.1 " + std::to_string(answer.status) + " Scripted\r\n";
  for (const auto& [name, value] : answer.headers) text += name + ": " + value + "\r\n";
  const bool has_length = answer.status != 204 && answer.status != 304;
  if (has_length) text += "Content-Length: " + std::to_string(answer.body.size()) + "\r\n";
  if (answer.then != Then::keep_alive) text += "Connection: close\r\n";
  text += "\r\n";
  const bool cut = answer.then == Then::cut_in_half;
  if (request.method != "HEAD") text += answer.body.substr(0, cut ? answer.body.size() / 2 : std::string::npos);
  return send_all(connection, text) && answer.then == Then::keep_alive;
}

}  // namespace test_support
