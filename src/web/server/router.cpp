#include "web/server/router.h"

#include <nlohmann/json.hpp>

#include "base/check.h"

namespace web {

void Router::add(std::string path, std::unique_ptr<Endpoint> endpoint) {
  CHECK(path.starts_with('/'));
  CHECK(endpoints_.emplace(std::move(path), std::move(endpoint)).second);
}

void Router::set_event_feed(std::string path, std::unique_ptr<EventFeed> feed) {
  CHECK(feed_ == nullptr);
  feed_path_ = std::move(path);
  feed_ = std::move(feed);
}

Endpoint* Router::find(std::string_view path) const {
  if (const auto exact = endpoints_.find(path); exact != endpoints_.end()) return exact->second.get();
  const std::size_t slash = path.rfind('/');
  if (slash == std::string_view::npos || slash == 0) return nullptr;
  const auto folder = endpoints_.find(path.substr(0, slash + 1));
  return folder == endpoints_.end() ? nullptr : folder->second.get();
}

Response json_error(int status, std::string_view message) {
  const nlohmann::json body{{"error", message}};
  return make_response(status, kJson, body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
}

Response not_found(std::string_view path) {
  if (path.starts_with("/api/")) return json_error(404, "there is nothing at this address");
  return make_response(404, kPlainText, "404: there is nothing at this address. The dashboard is at /\n");
}

}  // namespace web
