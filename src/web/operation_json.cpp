#include "web/operation_json.h"

#include <nlohmann/json.hpp>

#include "base/bytes.h"

namespace web {

std::string_view to_string(OperationKind kind) {
  return kind == OperationKind::restore ? "restore" : "verification";
}

std::string_view to_string(OperationState state) {
  switch (state) {
    case OperationState::queued:
      return "queued";
    case OperationState::running:
      return "running";
    case OperationState::succeeded:
      return "succeeded";
    case OperationState::failed:
      return "failed";
    case OperationState::cancelled:
      return "cancelled";
  }
  return "failed";
}

namespace {

using Json = nlohmann::ordered_json;

Json of_text(const std::string& text) {
  return text.empty() ? Json() : Json(text);
}
Json of_time(const std::optional<base::UnixMillis>& time) {
  return time && time->count() != 0 ? Json(base::to_rfc3339(*time)) : Json();
}

Json of_result(const Operation& operation) {
  if (!operation.result) return {};
  const OperationResult& result = *operation.result;
  Json json{{"txid", result.txid},
            {"txidHex", base::hex16(result.txid)},
            {"time", of_time(result.time)},
            {"bytes", result.bytes},
            {"note", of_text(result.note)}};
  if (operation.kind == OperationKind::restore) {
    json["path"] = of_text(operation.request.to);
    json["fileAvailable"] = result.available;
    json["fileExpiresAt"] = of_time(result.expires);
    return json;
  }
  json["verdict"] = result.verdict;
  json["sourceEqual"] = result.source_equal;
  json["findingsTotal"] = result.findings_total;
  json["findings"] = Json::array();
  for (const OperationFinding& finding : result.findings) {
    json["findings"].push_back(
        {{"verdict", finding.verdict}, {"object", of_text(finding.object)}, {"text", finding.text}});
  }
  return json;
}

Json of_operation(const Operation& operation) {
  const RestoreRequest& request = operation.request;
  const OperationProgress& progress = operation.progress;
  return Json{{"id", operation.id},
              {"kind", to_string(operation.kind)},
              {"clientId", request.client_id},
              {"state", to_string(operation.state)},
              {"cancelling", operation.cancelling},
              {"to", of_text(request.to)},
              {"download", request.download},
              {"at", of_text(request.at)},
              {"txid", request.txid ? Json(base::hex16(*request.txid)) : Json()},
              {"progress",
               {{"bytesDone", progress.bytes_done},
                {"bytesTotal", progress.bytes_total},
                {"objectsDone", progress.objects_done},
                {"objectsTotal", progress.objects_total}}},
              {"queuedAt", of_time(operation.queued)},
              {"startedAt", of_time(operation.started)},
              {"finishedAt", of_time(operation.finished)},
              {"result", of_result(operation)},
              {"error", of_text(operation.error)}};
}

// Paths are any bytes: what is not UTF-8 is replaced.
std::string dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace

std::string render_operation(const Operation& operation) {
  return dump(of_operation(operation));
}

std::string render_operations(const std::vector<Operation>& operations, std::string_view token_file) {
  Json list = Json::array();
  for (const Operation& operation : operations) list.push_back(of_operation(operation));
  return dump(Json{{"operations", std::move(list)}, {"tokenFile", token_file.empty() ? Json() : Json(token_file)}});
}

}  // namespace web
