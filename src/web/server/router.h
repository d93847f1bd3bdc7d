// Which endpoint answers which path. One endpoint is one small class: it reads an immutable snapshot and renders.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "web/server/event_feed.h"
#include "web/server/message.h"

namespace web {

// Called on the server's thread only, so an endpoint may keep a cache without a lock. Must not block and must not
// throw. HEAD is answered by the server from what GET gives.
class Endpoint {
 public:
  virtual ~Endpoint() = default;
  virtual Response handle(const Request& request) = 0;
};

class Router {
 public:
  // A path that ends in '/' and is longer than "/" answers for what stands directly below it. Adding a path twice is
  // a CHECK.
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

// Everything here is read only.
inline constexpr std::string_view kAllowedMethods = "GET, HEAD";

// 404, as JSON below /api/ and as text elsewhere.
Response not_found(std::string_view path);
// {"error": message}
Response json_error(int status, std::string_view message);

}  // namespace web
