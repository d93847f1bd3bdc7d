// Event streams over real sockets, with a feed that the test drives.
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "web/server/http_server.h"
#include "web/testing/raw_client.h"

namespace web {
namespace {

using testing::get_request;
using ::testing::HasSubstr;
using testing::RawClient;
using namespace std::chrono_literals;

// What the feed was asked and what it shall say; shared between the test's thread and the server's.
class Script {
 public:
  void say(std::string text, int times = 1) {
    const std::scoped_lock lock(mutex_);
    text_ = std::move(text);
    times_ = times;
  }
  std::optional<std::string> next() {
    const std::scoped_lock lock(mutex_);
    if (times_ == 0) return std::nullopt;
    if (times_ > 0) --times_;
    return text_;
  }
  void note(int& counter) {
    const std::scoped_lock lock(mutex_);
    ++counter;
    changed_.notify_all();
  }
  bool wait_for(const int& counter, int value) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 20s, [&] { return counter >= value; });
  }

  int starts = 0, stops = 0, resyncs = 0;

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string text_;
  int times_ = 0;  // negative: without end
};

class ScriptedFeed final : public EventFeed {
 public:
  explicit ScriptedFeed(Script& script) : script_(script) {}
  void start() override { script_.note(script_.starts); }
  void stop() override { script_.note(script_.stops); }
  std::string hello() override { return "data: hello\n\n"; }
  std::optional<std::string> poll() override { return script_.next(); }
  std::string resync() override {
    script_.note(script_.resyncs);
    return "data: resync\n\n";
  }

 private:
  Script& script_;
};

class EventStreamTest : public ::testing::Test {
 protected:
  std::unique_ptr<HttpServer> start(ServerLimits limits) {
    auto router = std::make_unique<Router>();
    router->set_event_feed("/events", std::make_unique<ScriptedFeed>(script_));
    auto server = HttpServer::start({.bind = "127.0.0.1", .port = 0}, std::move(router), limits);
    EXPECT_TRUE(server.has_value());
    return std::move(*server);
  }
  static ServerLimits quick() {
    ServerLimits limits;
    limits.event_interval = 1ms;
    return limits;
  }
  static void listen(RawClient& client) {
    client.send(get_request("/events"));
    EXPECT_THAT(client.read_until("\r\n\r\n").value_or(""), HasSubstr("Content-Type: text/event-stream"));
    EXPECT_EQ(client.read_until("\n\n"), "data: hello\n\n");
  }

  Script script_;
};

TEST_F(EventStreamTest, EveryListenerHearsWhatIsSaid) {
  const auto server = start(quick());
  RawClient first(server->port());
  RawClient second(server->port());
  listen(first);
  listen(second);
  script_.say("data: news\n\n");
  EXPECT_EQ(first.read_until("\n\n"), "data: news\n\n");
  EXPECT_EQ(second.read_until("\n\n"), "data: news\n\n");
}

TEST_F(EventStreamTest, TheFeedRunsOnlyWhileSomebodyListens) {
  const auto server = start(quick());
  EXPECT_EQ(script_.starts, 0);
  {
    RawClient first(server->port());
    listen(first);
    RawClient second(server->port());
    listen(second);
  }
  EXPECT_TRUE(script_.wait_for(script_.stops, 1));
  RawClient again(server->port());
  listen(again);
  EXPECT_TRUE(script_.wait_for(script_.starts, 2));
  script_.say("data: still there\n\n");
  EXPECT_EQ(again.read_until("\n\n"), "data: still there\n\n");
}

TEST_F(EventStreamTest, QuietStreamsAreKeptAliveByComments) {
  auto limits = quick();
  limits.keep_alive_interval = 5ms;
  const auto server = start(limits);
  RawClient client(server->port());
  listen(client);
  EXPECT_THAT(client.read_until("\n\n").value_or(""), ::testing::StartsWith(": "));
}

TEST_F(EventStreamTest, AListenerThatIsTooSlowIsToldToResynchronise) {
  auto limits = quick();
  limits.stream_queue_bytes_max = 300'000;
  const auto server = start(limits);
  RawClient slow(server->port(), RawClient::ReceiveBuffer::tiny);
  listen(slow);
  script_.say("data: " + std::string(100'000, 'x') + "\n\n", -1);
  ASSERT_TRUE(script_.wait_for(script_.resyncs, 1));
  script_.say("data: done\n\n", 1);
  EXPECT_TRUE(slow.read_until("data: resync\n\n").has_value());
  EXPECT_TRUE(slow.read_until("data: done\n\n").has_value());
}

TEST_F(EventStreamTest, StreamsBeyondTheLimitAreRefused) {
  auto limits = quick();
  limits.event_streams_max = 1;
  const auto server = start(limits);
  RawClient first(server->port());
  listen(first);
  const auto refused = testing::fetch(server->port(), "/events");
  EXPECT_EQ(refused->status, 503);
  EXPECT_EQ(refused->header("Retry-After"), "5");
}

TEST_F(EventStreamTest, StopEndsStreams) {
  auto server = start(quick());
  RawClient client(server->port());
  listen(client);
  server->stop();
  EXPECT_TRUE(client.is_closed_by_peer());
}

TEST_F(EventStreamTest, OnlyGetOpensAStream) {
  const auto server = start(quick());
  RawClient client(server->port());
  client.send("HEAD /events HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(client.read_response(RawClient::Body::none)->header("Content-Type"), "text/event-stream; charset=utf-8");
  client.send("POST /events HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(client.read_response()->status, 405);
  EXPECT_EQ(script_.starts, 0);
}

}  // namespace
}  // namespace web
