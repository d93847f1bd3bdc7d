// What an event stream says, apart from how it travels. Frames are complete Server-Sent Events: "event: x\ndata:
// {}\n\n". Called on the server's thread only; must not block.
#pragma once

#include <optional>
#include <string>

namespace web {

class EventFeed {
 public:
  virtual ~EventFeed() = default;
  // The first listener has come: from here on poll() tells what changed after this moment.
  virtual void start() = 0;
  // The last listener has gone: let go of what only poll() needs.
  virtual void stop() = 0;
  // First frame of a new listener.
  virtual std::string hello() = 0;
  // What changed since the last call, for all listeners; nullopt if nothing did. Called a few times a second while
  // somebody listens.
  virtual std::optional<std::string> poll() = 0;
  // For a listener that was too slow: what it holds is no longer whole, it must fetch anew.
  virtual std::string resync() = 0;
};

}  // namespace web
