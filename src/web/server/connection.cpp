#include "web/server/connection.h"

#include <algorithm>
#include <array>
#include <exception>
#include <optional>
#include <string_view>
#include <tuple>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>

#include "base/log.h"
#include "web/server/host_check.h"
#include "web/server/response_head.h"

namespace web {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;

namespace {

constexpr auto kAwaitTuple = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t kFirstReadBytes = 1024;
constexpr std::size_t kDrainBytesMax = 256 * 1024;
constexpr std::chrono::milliseconds kDrainTimeout{1'000};

using Parser = http::request_parser<http::string_body>;

std::time_t unix_seconds() {
  return std::time(nullptr);
}

bool is_parse_error(const beast::error_code& error) {
  return error.category() == http::make_error_code(http::error::bad_method).category();
}

std::string_view as_view(beast::string_view text) {
  return {text.data(), text.size()};
}

Response text_error(int status, std::string_view message) {
  return make_response(status, kPlainText, std::to_string(status) + ": " + std::string(message) + "\n");
}

// What the request's form alone decides, before any endpoint is asked.
std::optional<Response> refuse(const Parser::value_type& request, bool loopback_only) {
  const auto hosts = request.count(http::field::host);
  if (hosts > 1 || (hosts == 0 && request.version() >= 11)) return text_error(400, "one Host header is needed");
  if (loopback_only && !names_loopback(as_view(request[http::field::host]))) {
    return text_error(
        421,
        "this dashboard listens on this machine only; open it as http://localhost with its port, or let it "
        "listen elsewhere with -bind");
  }
  if (!as_view(request.target()).starts_with('/')) return text_error(400, "the address must begin with '/'");
  return std::nullopt;
}

// Below /api/ every error is JSON.
Response error_at(std::string_view path, int status, std::string_view message) {
  return path.starts_with("/api/") ? json_error(status, message) : text_error(status, message);
}

Response method_not_allowed(std::string_view path, std::string_view methods) {
  Response response = error_at(path, 405, "only these methods are answered here: " + std::string(methods));
  response.headers.emplace_back("Allow", std::string(methods));
  return response;
}

Response retry_later(std::string_view message) {
  Response response = text_error(503, message);
  response.headers.emplace_back("Retry-After", "5");
  return response;
}

// Counts a body as being sent while it lives.
class SendingBody {
 public:
  SendingBody(ServerState& state, std::size_t bytes) : state_(state), bytes_(bytes) { state_.sending_bytes += bytes_; }
  ~SendingBody() { state_.sending_bytes -= bytes_; }
  SendingBody(const SendingBody&) = delete;
  SendingBody& operator=(const SendingBody&) = delete;

 private:
  ServerState& state_;
  std::size_t bytes_;
};

// Counts a body that is read while it is sent.
class OpenSource {
 public:
  explicit OpenSource(ServerState& state) : state_(state) { ++state_.sources; }
  ~OpenSource() { --state_.sources; }
  OpenSource(const OpenSource&) = delete;
  OpenSource& operator=(const OpenSource&) = delete;

 private:
  ServerState& state_;
};

// An endpoint that throws has a defect; it costs one answer, not the daemon.
Response ask(Endpoint& endpoint, const Request& request) {
  try {
    return endpoint.handle(request);
  } catch (const std::exception& e) {
    base::log::error("web request failed", {{"path", request.path}, {"error", e.what()}});
    return text_error(500, "the server could not make this page; its log says more");
  }
}

std::string_view path_of(std::string_view target) {
  return target.substr(0, target.find('?'));
}

Request to_request(const Parser::value_type& request) {
  const std::string_view target = as_view(request.target());
  const std::size_t question = target.find('?');
  return {.path = path_of(target),
          .query = question == std::string_view::npos ? std::string_view() : target.substr(question + 1),
          .if_none_match = as_view(request[http::field::if_none_match]),
          .method = as_view(request.method_string()),
          .body = request.body(),
          .content_type = as_view(request[http::field::content_type]),
          .authorization = as_view(request[http::field::authorization]),
          .origin = as_view(request[http::field::origin]),
          .host = as_view(request[http::field::host]),
          .forwarded_host = as_view(request["X-Forwarded-Host"])};
}

}  // namespace

class Connection {
 public:
  Connection(asio::ip::tcp::socket socket, ServerState& state) : stream_(std::move(socket)), state_(state) {
    state_.connections.insert(this);
  }
  ~Connection() { state_.connections.erase(this); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  asio::awaitable<void> run() {
    while (!state_.stopping && co_await serve_one()) {
    }
    beast::error_code ignored;
    std::ignore = stream_.socket().shutdown(asio::ip::tcp::socket::shutdown_both, ignored);
  }

  [[nodiscard]] bool is_idle() const { return idle_; }
  void close() { stream_.close(); }

 private:
  // One request and its answer. False: the connection ends.
  asio::awaitable<bool> serve_one();
  asio::awaitable<bool> wait_for_first_byte();
  // What it takes as a body depends on the address, so the header is read first.
  asio::awaitable<beast::error_code> read_request(Parser& parser);
  asio::awaitable<bool> answer(const Parser::value_type& request);
  // Answers a request that could not be read, and reads what is still coming so that the answer is not lost in a reset.
  asio::awaitable<void> answer_and_drain(const Response& response);
  asio::awaitable<bool> send(const Response& response, KeepAlive keep_alive, bool with_body);
  asio::awaitable<bool> send_source(const Response& response, KeepAlive keep_alive);
  asio::awaitable<void> stream_events();
  asio::awaitable<bool> send_frames(const std::vector<Frame>& frames);
  void expire_send(std::size_t bytes);

  beast::tcp_stream stream_;
  beast::flat_buffer buffer_;
  ServerState& state_;
  bool idle_ = true;
  bool first_request_ = true;
};

asio::awaitable<bool> Connection::wait_for_first_byte() {
  if (buffer_.size() > 0) co_return true;  // pipelined
  idle_ = true;
  stream_.expires_after(first_request_ ? state_.limits.header_timeout : state_.limits.idle_timeout);
  const auto [error, bytes] = co_await stream_.async_read_some(buffer_.prepare(kFirstReadBytes), kAwaitTuple);
  if (error) co_return false;
  buffer_.commit(bytes);
  co_return true;
}

asio::awaitable<bool> Connection::serve_one() {
  if (!co_await wait_for_first_byte()) co_return false;
  idle_ = false;
  first_request_ = false;
  Parser parser;
  const beast::error_code error = co_await read_request(parser);
  if (!error) co_return co_await answer(parser.get());
  if (error == http::error::header_limit) {
    co_await answer_and_drain(text_error(431, "the request's header is too large"));
  } else if (error == http::error::body_limit) {
    const std::string_view path = path_of(as_view(parser.get().target()));
    co_await answer_and_drain(error_at(path, 413, "the body is larger than what this address takes"));
  } else if (is_parse_error(error) && error != http::error::end_of_stream && error != http::error::partial_message) {
    co_await answer_and_drain(text_error(400, "this is not an HTTP request"));
  }
  co_return false;
}

asio::awaitable<beast::error_code> Connection::read_request(Parser& parser) {
  parser.header_limit(static_cast<std::uint32_t>(state_.limits.header_bytes_max));
  parser.body_limit(state_.limits.body_bytes_max);
  // One deadline for the whole request, however slowly its bytes trickle in.
  stream_.expires_after(state_.limits.header_timeout);
  const auto [bad_header, header_bytes] = co_await http::async_read_header(stream_, buffer_, parser, kAwaitTuple);
  if (bad_header) co_return bad_header;
  const Endpoint* endpoint = state_.router->find(path_of(as_view(parser.get().target())));
  const bool takes_body = endpoint != nullptr && allows(endpoint->methods(), "POST");
  if (!takes_body) {
    const std::size_t most = state_.limits.unused_body_bytes_max;
    if (parser.content_length().value_or(0) > most) co_return http::error::body_limit;
    parser.body_limit(most);
  }
  const auto [bad_body, body_bytes] = co_await http::async_read(stream_, buffer_, parser, kAwaitTuple);
  co_return bad_body;
}

asio::awaitable<bool> Connection::answer(const Parser::value_type& http_request) {
  const bool with_body = http_request.method() != http::verb::head;
  const KeepAlive keep_alive = http_request.keep_alive() && !state_.stopping ? KeepAlive::yes : KeepAlive::no;
  if (const auto refusal = refuse(http_request, state_.loopback_only)) {
    co_return co_await send(*refusal, keep_alive, with_body);
  }
  const Request request = to_request(http_request);
  const bool is_stream = state_.router->is_event_path(request.path);
  Endpoint* endpoint = state_.router->find(request.path);
  Response response;
  if (!is_stream && endpoint == nullptr) {
    response = not_found(request.path);
  } else if (const auto methods = is_stream ? kReadMethods : endpoint->methods(); !allows(methods, request.method)) {
    response = method_not_allowed(request.path, methods);
  } else if (!is_stream) {
    response = ask(*endpoint, request);
  } else if (!with_body) {
    response = make_response(200, "text/event-stream; charset=utf-8", "");
  } else if (state_.hub->is_full()) {
    response = retry_later("too many event streams are open");
  } else {
    co_await stream_events();
    co_return false;
  }
  // Readers that dawdle over large answers must not fill the memory of the daemon.
  std::size_t bytes = with_body && response.body ? response.body->size() : 0;
  if (with_body && response.source) {
    bytes = state_.limits.source_piece_bytes;
    if (state_.sources >= state_.limits.sources_max) response = retry_later("too many files are being sent");
  }
  if (state_.sending_bytes > 0 && state_.sending_bytes + bytes > state_.limits.sending_bytes_max) {
    response = retry_later("too much is being sent; ask for less with limit=");
  }
  const SendingBody sending(state_, bytes);
  if (with_body && response.source) co_return co_await send_source(response, keep_alive);
  co_return co_await send(response, keep_alive, with_body);
}

void Connection::expire_send(std::size_t bytes) {
  const auto for_size = std::chrono::seconds(bytes / state_.limits.send_bytes_per_second_min);
  stream_.expires_after(state_.limits.send_grace + for_size);
}

asio::awaitable<bool> Connection::send(const Response& response, KeepAlive keep_alive, bool with_body) {
  const std::string head = render_head(response, keep_alive, unix_seconds());
  const bool has_body = with_body && response.body != nullptr;
  const std::array<asio::const_buffer, 2> buffers{asio::buffer(head),
                                                  has_body ? asio::buffer(*response.body) : asio::const_buffer()};
  expire_send(head.size() + buffers[1].size());
  const auto [error, bytes] = co_await asio::async_write(stream_, buffers, kAwaitTuple);
  co_return !error && keep_alive == KeepAlive::yes;
}

asio::awaitable<bool> Connection::send_source(const Response& response, KeepAlive keep_alive) {
  const OpenSource open(state_);
  const std::string head = render_head(response, keep_alive, unix_seconds());
  const std::uint64_t size = response.source->size_bytes();
  const auto begin = std::chrono::steady_clock::now();
  stream_.expires_after(state_.limits.send_grace);
  const auto [bad_head, head_bytes] = co_await asio::async_write(stream_, asio::buffer(head), kAwaitTuple);
  if (bad_head) co_return false;
  base::Bytes piece(std::min<std::uint64_t>(state_.limits.source_piece_bytes, size));
  for (std::uint64_t sent = 0; sent < size;) {
    const auto got = response.source->read_at(sent, piece);
    if (!got || *got == 0) {
      base::log::error("a file could not be sent to its end",
                       {{"reason", got ? "it became shorter" : got.error().message}});
      co_return false;
    }
    sent += *got;
    // As for other bodies: the slowest rate counts from the beginning, not for each piece.
    stream_.expires_at(begin + state_.limits.send_grace +
                       std::chrono::seconds(sent / state_.limits.send_bytes_per_second_min));
    const auto [error, bytes] = co_await asio::async_write(stream_, asio::buffer(piece.data(), *got), kAwaitTuple);
    if (error) co_return false;
  }
  co_return keep_alive == KeepAlive::yes;
}

asio::awaitable<void> Connection::answer_and_drain(const Response& response) {
  if (stream_.socket().is_open()) co_await send(response, KeepAlive::no, true);
  beast::error_code ignored;
  std::ignore = stream_.socket().shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
  buffer_.clear();
  stream_.expires_after(kDrainTimeout);
  for (std::size_t drained = 0; drained < kDrainBytesMax;) {
    const auto [error, bytes] = co_await stream_.async_read_some(buffer_.prepare(kFirstReadBytes), kAwaitTuple);
    if (error) break;
    drained += bytes;
  }
}

asio::awaitable<bool> Connection::send_frames(const std::vector<Frame>& frames) {
  std::vector<asio::const_buffer> buffers;
  std::size_t size = 0;
  for (const Frame& frame : frames) {
    buffers.emplace_back(asio::buffer(*frame));
    size += frame->size();
  }
  expire_send(size);
  const auto [error, bytes] = co_await asio::async_write(stream_, buffers, kAwaitTuple);
  stream_.expires_never();
  co_return !error;
}

asio::awaitable<void> Connection::stream_events() {
  const auto head = std::make_shared<const std::string>(render_stream_head(unix_seconds()));
  const std::vector<Frame> first{head};
  if (!co_await send_frames(first)) co_return;
  buffer_.clear();
  buffer_.shrink_to_fit();  // there may be a thousand of these, and none reads again
  const auto listener = std::make_shared<EventHub::Listener>(*state_.hub);
  // A listener has nothing to say: when its side becomes readable it has gone.
  stream_.socket().async_wait(asio::ip::tcp::socket::wait_read,
                              [gone = std::weak_ptr(listener)](const beast::error_code&) {
                                if (const auto alive = gone.lock()) alive->close();
                              });
  for (;;) {
    const std::vector<Frame> frames = co_await listener->next();
    if (frames.empty() || !co_await send_frames(frames)) break;
  }
}

asio::awaitable<void> serve_connection(asio::ip::tcp::socket socket, ServerState& state) {
  Connection connection(std::move(socket), state);
  co_await connection.run();
}

void close_idle_connections(ServerState& state) {
  for (Connection* connection : state.connections) {
    if (connection->is_idle()) connection->close();
  }
}

void close_all_connections(ServerState& state) {
  for (Connection* connection : state.connections) connection->close();
}

}  // namespace web
