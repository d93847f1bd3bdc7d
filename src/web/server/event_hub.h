// Hands the frames of one EventFeed to every listener. One timer, and only while somebody listens.
//
// A listener reads at its own pace: frames wait in its queue, bounded in bytes. If it is too slow the queue is emptied
// and it gets one resync frame instead, so a stalled browser costs a bounded amount of memory.
//
// Everything here runs on the server's thread.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <unordered_set>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include "web/server/event_feed.h"
#include "web/server/limits.h"

namespace web {

using Frame = std::shared_ptr<const std::string>;

class EventHub {
 public:
  // Lives in the coroutine of its connection; joins the hub when made and leaves it when destroyed.
  class Listener {
   public:
    explicit Listener(EventHub& hub);
    ~Listener();
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;

    // Waits until there is something to send. Empty: the stream is over.
    boost::asio::awaitable<std::vector<Frame>> next();
    // Ends the stream: next() returns empty from now on.
    void close();

   private:
    friend class EventHub;
    void push(const Frame& frame);

    EventHub& hub_;
    boost::asio::steady_timer wake_;  // never expires; cancelled to wake next()
    std::vector<Frame> queue_;
    std::size_t queued_bytes_ = 0;
    bool closed_ = false;
  };

  // `feed` and `limits` outlive the hub.
  EventHub(const boost::asio::any_io_executor& executor, EventFeed& feed, const ServerLimits& limits);

  [[nodiscard]] bool is_full() const { return listeners_.size() >= limits_.event_streams_max; }
  // Closes every listener; new ones are closed from the beginning.
  void stop();

 private:
  boost::asio::awaitable<void> tick_while_heard();
  void tick();
  void broadcast(const Frame& frame);

  boost::asio::any_io_executor executor_;
  EventFeed& feed_;
  const ServerLimits& limits_;
  boost::asio::steady_timer timer_;
  std::unordered_set<Listener*> listeners_;
  std::chrono::milliseconds quiet_{0};
  bool ticking_ = false;
  bool stopped_ = false;
};

}  // namespace web
