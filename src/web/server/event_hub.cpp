#include "web/server/event_hub.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace web {

namespace asio = boost::asio;

namespace {

constexpr auto kNever = asio::steady_timer::time_point::max();

Frame make_frame(std::string text) {
  return std::make_shared<const std::string>(std::move(text));
}

}  // namespace

EventHub::Listener::Listener(EventHub& hub) : hub_(hub), wake_(hub.executor_, kNever), closed_(hub.stopped_) {
  if (hub.listeners_.empty()) hub.feed_.start();
  hub.listeners_.insert(this);
  push(make_frame(hub.feed_.hello()));
  if (!hub.ticking_ && !hub.stopped_) {
    hub.ticking_ = true;
    asio::co_spawn(hub.executor_, hub.tick_while_heard(), asio::detached);
  }
}

EventHub::Listener::~Listener() {
  hub_.listeners_.erase(this);
  if (hub_.listeners_.empty()) {
    hub_.timer_.cancel();
    hub_.feed_.stop();
  }
}

asio::awaitable<std::vector<Frame>> EventHub::Listener::next() {
  while (queue_.empty() && !closed_) {
    wake_.expires_at(kNever);
    co_await wake_.async_wait(asio::as_tuple(asio::use_awaitable));
  }
  queued_bytes_ = 0;
  std::vector<Frame> frames;
  if (!closed_) frames.swap(queue_);
  co_return frames;
}

void EventHub::Listener::close() {
  closed_ = true;
  wake_.cancel();
}

void EventHub::Listener::push(const Frame& frame) {
  Frame next = frame;
  if (queued_bytes_ + next->size() > hub_.limits_.stream_queue_bytes_max) {
    queue_.clear();
    queued_bytes_ = 0;
    next = make_frame(hub_.feed_.resync());
  }
  queued_bytes_ += next->size();
  queue_.push_back(std::move(next));
  wake_.cancel();
}

EventHub::EventHub(const asio::any_io_executor& executor, EventFeed& feed, const ServerLimits& limits)
    : executor_(executor), feed_(feed), limits_(limits), timer_(executor) {}

asio::awaitable<void> EventHub::tick_while_heard() {
  while (!listeners_.empty() && !stopped_) {
    timer_.expires_after(limits_.event_interval);
    const auto [error] = co_await timer_.async_wait(asio::as_tuple(asio::use_awaitable));
    // Cancelled when the last listener left; another may have come since, and then the ticking goes on. A timer that
    // had fired already is not cancelled any more.
    if (!error && !listeners_.empty()) tick();
  }
  ticking_ = false;
}

void EventHub::tick() {
  quiet_ += limits_.event_interval;
  if (auto text = feed_.poll()) {
    broadcast(make_frame(std::move(*text)));
  } else if (quiet_ >= limits_.keep_alive_interval) {
    broadcast(make_frame(": nothing new\n\n"));
  }
}

void EventHub::broadcast(const Frame& frame) {
  quiet_ = std::chrono::milliseconds{0};
  for (Listener* listener : listeners_) listener->push(frame);
}

void EventHub::stop() {
  stopped_ = true;
  timer_.cancel();
  for (Listener* listener : listeners_) listener->close();
}

}  // namespace web
