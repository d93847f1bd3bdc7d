#include "web/operation_endpoints.h"

#include <string>

#include <fmt/format.h>

#include "web/operation_json.h"
#include "web/operation_request.h"
#include "web/server/query.h"

namespace web {
namespace {

using base::Category;

int status_of(Category category) {
  switch (category) {
    case Category::invalid:
      return 400;
    case Category::not_found:
      return 404;
    case Category::conflict:
      return 409;
    case Category::throttled:
      return 429;
    case Category::unsupported:
    case Category::cancelled:
    case Category::retry_later:
      return 503;
    default:
      return 500;
  }
}

Response refuse(const base::Error& error) {
  return json_error(status_of(error.category), error.message);
}

// nullopt: `request` is a JSON body of somebody who may start things.
std::optional<Response> refuse_start(const OperationsContext& context, const Request& request) {
  if (context.operations == nullptr)
    return json_error(503, "operations cannot be started here; the daemon's log says why");
  if (auto refusal = context.access.refuse(request, bearer_token(request.authorization))) return refusal;
  if (!has_media_type(request.content_type, "application/json")) {
    return json_error(415, "send the body as JSON, with the header Content-Type: application/json");
  }
  return std::nullopt;
}

Response accepted(const base::Result<Operation>& started) {
  if (!started) return refuse(started.error());
  Response response = make_response(202, kJson, render_operation(*started));
  response.headers.emplace_back("Location", std::string(OperationEndpoint::kPath) + started->id);
  return response;
}

// A field of a form, for a page that lets the browser itself fetch the file.
std::string form_token(const Request& request) {
  if (!has_media_type(request.content_type, "application/x-www-form-urlencoded")) return {};
  const auto fields = parse_query(request.body);
  if (!fields) return {};
  for (const auto& [name, value] : *fields) {
    if (name == "token") return value;
  }
  return {};
}

}  // namespace

Response StartRestoreEndpoint::handle(const Request& request) {
  if (auto refusal = refuse_start(context_, request)) return *std::move(refusal);
  auto wanted = parse_restore_request(request.body);
  if (!wanted) return refuse(wanted.error());
  return accepted(context_.operations->start_restore(*std::move(wanted)));
}

Response StartVerificationEndpoint::handle(const Request& request) {
  if (auto refusal = refuse_start(context_, request)) return *std::move(refusal);
  const auto client_id = parse_verification_request(request.body);
  if (!client_id) return refuse(client_id.error());
  return accepted(context_.operations->start_verification(*client_id));
}

Response OperationsEndpoint::handle(const Request& /*request*/) {
  const bool any = context_.operations != nullptr;
  return make_response(200, kJson,
                       render_operations(any ? context_.operations->list() : std::vector<Operation>(),
                                         any ? context_.access.token_file() : std::string()));
}

Response OperationEndpoint::handle(const Request& request) {
  const std::string_view id = request.path.substr(kPath.size());
  if (request.method == "DELETE") {
    if (auto refusal = context_.access.refuse(request, bearer_token(request.authorization))) return *std::move(refusal);
    if (context_.operations == nullptr) return json_error(404, "there is no such operation");
    const auto cancelled = context_.operations->cancel(id);
    return cancelled ? make_response(200, kJson, render_operation(*cancelled)) : refuse(cancelled.error());
  }
  const auto found = context_.operations == nullptr ? std::nullopt : context_.operations->find(id);
  if (!found) return json_error(404, "there is no such operation; the last ones are at /api/operations");
  return make_response(200, kJson, render_operation(*found));
}

Response OperationFileEndpoint::handle(const Request& request) {
  std::string offered(bearer_token(request.authorization));
  if (offered.empty() && request.method == "POST") offered = form_token(request);
  if (auto refusal = context_.access.refuse(request, offered)) return *std::move(refusal);
  std::string_view id = request.path.substr(OperationEndpoint::kPath.size());
  id.remove_suffix(kSuffix.size());
  if (context_.operations == nullptr) return json_error(404, "there is no such operation");
  auto opened = context_.operations->open_download(id);
  if (!opened) return refuse(opened.error());
  Response response{.status = 200, .content_type = "application/vnd.sqlite3", .body = nullptr, .headers = {}};
  response.headers.emplace_back("Content-Disposition", fmt::format("attachment; filename=\"{}\"", opened->name));
  response.headers.emplace_back("Cache-Control", "no-store");
  response.source = std::move(opened->file);
  return response;
}

}  // namespace web
