// The hub alone on a loop that the test turns by hand.
#include "web/server/event_hub.h"

#include <chrono>
#include <optional>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <gtest/gtest.h>

namespace web {
namespace {

// Like every feed it may be asked only between start() and stop().
class StrictFeed final : public EventFeed {
 public:
  void start() override { running_ = true; }
  void stop() override { running_ = false; }
  std::string hello() override { return "data: hello\n\n"; }
  std::optional<std::string> poll() override {
    asked_too_late |= !running_;
    return std::nullopt;
  }
  std::string resync() override { return "data: resync\n\n"; }

  bool asked_too_late = false;

 private:
  bool running_ = false;
};

TEST(EventHub, AsksNothingWhenTheLastListenerLeavesAfterTheTimerFired) {
  boost::asio::io_context loop;
  StrictFeed feed;
  ServerLimits limits;
  limits.event_interval = std::chrono::milliseconds(0);
  EventHub hub(loop.get_executor(), feed, limits);
  std::optional<EventHub::Listener> listener(std::in_place, hub);
  // The ticking has armed its timer, which is due at once; leaving stands in the queue before its expiry is noticed.
  loop.run_one();
  boost::asio::post(loop, [&] { listener.reset(); });
  loop.poll();
  EXPECT_FALSE(listener.has_value());
  EXPECT_FALSE(feed.asked_too_late);
  EXPECT_TRUE(loop.stopped()) << "nothing ticks when nobody listens";
}

}  // namespace
}  // namespace web
