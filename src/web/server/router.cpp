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
  if (folder != endpoints_.end()) return folder->second.get();
  const std::size_t before = path.rfind('/', slash - 1);
  if (before == std::string_view::npos || before + 1 == slash) return nullptr;
  std::string pattern(path.substr(0, before));
  pattern.append("/*").append(path.substr(slash));
  const auto named = endpoints_.find(pattern);
  return named == endpoints_.end() ? nullptr : named->second.get();
}

bool allows(std::string_view methods, std::string_view method) {
  while (!methods.empty()) {
    const std::size_t end = methods.find(", ");
    if (methods.substr(0, end) == method) return true;
    methods.remove_prefix(end == std::string_view::npos ? methods.size() : end + 2);
  }
  return false;
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
