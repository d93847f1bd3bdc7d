// Which endpoint answers which path. One endpoint is one small class: it reads an immutable snapshot and renders.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "web/server/event_feed.h"
#include "web/server/message.h"

namespace web {

inline constexpr std::string_view kReadMethods = "GET, HEAD";

// Called on the server's thread only, so an endpoint may keep a cache without a lock. Must not block and must not
// throw. HEAD is answered by the server from what GET gives.
class Endpoint {
 public:
  virtual ~Endpoint() = default;
  // What it answers, as the Allow header has it; anything else is 405. With POST it takes bodies, up to
  // ServerLimits::body_bytes_max.
  [[nodiscard]] virtual std::string_view methods() const { return kReadMethods; }
  virtual Response handle(const Request& request) = 0;
};

class Router {
 public:
  // A path that ends in '/' and is longer than "/" answers for what stands directly below it; one with "/*/" for any
  // name in that place. Adding a path twice is a CHECK.
  void add(std::string path, std::unique_ptr<Endpoint> endpoint);
  // GET on `path` opens an event stream; there is one feed at most.
  void set_event_feed(std::string path, std::unique_ptr<EventFeed> feed);

  // nullptr where nobody answers.
  [[nodiscard]] Endpoint* find(std::string_view path) const;
  [[nodiscard]] bool is_event_path(std::string_view path) const { return feed_ && path == feed_path_; }
  // nullptr if none was set.
  [[nodiscard]] EventFeed* event_feed() const { return feed_.get(); }

 private:
  std::map<std::string, std::unique_ptr<Endpoint>, std::less<>> endpoints_;
  std::string feed_path_;
  std::unique_ptr<EventFeed> feed_;
};

// Whether an Allow header's list has `method`.
bool allows(std::string_view methods, std::string_view method);

// 404, as JSON below /api/ and as text elsewhere.
Response not_found(std::string_view path);
// {"error": message}
Response json_error(int status, std::string_view message);

}  // namespace web
