#include "web/server/message.h"

namespace web {

namespace {

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

}  // namespace

Response make_response(int status, std::string_view content_type, std::string body) {
  return {.status = status,
          .content_type = content_type,
          .body = std::make_shared<const std::string>(std::move(body)),
          .headers = {{"Cache-Control", "no-store"}}};
}

bool etag_matches(std::string_view if_none_match, std::string_view etag) {
  if (trim(if_none_match) == "*") return true;
  while (!if_none_match.empty()) {
    const std::size_t comma = if_none_match.find(',');
    std::string_view tag = trim(if_none_match.substr(0, comma));
    if (tag.starts_with("W/")) tag.remove_prefix(2);
    if (!tag.empty() && tag == etag) return true;
    if (comma == std::string_view::npos) break;
    if_none_match.remove_prefix(comma + 1);
  }
  return false;
}

Response make_cacheable(const Request& request, std::string etag, std::string_view content_type,
                        std::shared_ptr<const std::string> body) {
  const bool unchanged = etag_matches(request.if_none_match, etag);
  Response response;
  response.status = unchanged ? 304 : 200;
  if (!unchanged) {
    response.content_type = content_type;
    response.body = std::move(body);
  }
  response.headers = {{"Cache-Control", "no-cache"}, {"ETag", std::move(etag)}};
  return response;
}

}  // namespace web
