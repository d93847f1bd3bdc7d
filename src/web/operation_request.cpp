#include "web/operation_request.h"

#include <algorithm>
#include <charconv>
#include <initializer_list>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace web {
namespace {

using base::Category;
using Json = nlohmann::json;

constexpr std::size_t kTxidDigits = 16;
constexpr std::size_t kTextBytesMax = 4096;  // a path's limit

std::unexpected<base::Error> wrong(std::string message) {
  return base::fail(Category::invalid, std::move(message));
}

base::Result<Json> parse_object(std::string_view body, std::initializer_list<std::string_view> known) {
  Json json = Json::parse(body, nullptr, false);
  if (json.is_discarded()) return wrong("the body is not JSON; send an object such as {\"clientId\": \"GUID\"}");
  if (!json.is_object()) return wrong("the body is not a JSON object; send one such as {\"clientId\": \"GUID\"}");
  for (const auto& [name, value] : json.items()) {
    if (std::ranges::find(known, name) == known.end()) {
      return wrong(fmt::format("unknown key \"{}\"; known are {}", name.substr(0, 64), fmt::join(known, ", ")));
    }
  }
  return json;
}

// Empty where the key is absent.
base::Result<std::string> take_text(const Json& json, const char* key) {
  const auto found = json.find(key);
  if (found == json.end()) return std::string();
  if (!found->is_string()) return wrong(fmt::format("\"{}\" must be a text, not {}", key, found->type_name()));
  std::string text = found->get<std::string>();
  if (text.empty()) return wrong(fmt::format("\"{}\" is empty; give it a value or leave it out", key));
  if (text.size() > kTextBytesMax) return wrong(fmt::format("\"{}\" is longer than {} bytes", key, kTextBytesMax));
  if (text.contains('\0')) return wrong(fmt::format("\"{}\" contains a NUL character", key));
  return text;
}

base::Result<std::string> take_client(const Json& json) {
  TRY_ASSIGN(std::string id, take_text(json, "clientId"));
  if (id.empty()) return wrong("\"clientId\" is missing: the id of the client, as /api/status shows it");
  return id;
}

base::Result<bool> take_download(const Json& json) {
  const auto found = json.find("download");
  if (found == json.end()) return false;
  if (!found->is_boolean()) return wrong(fmt::format("\"download\" must be true or false, not {}", found->type_name()));
  return found->get<bool>();
}

base::Result<std::optional<std::uint64_t>> take_txid(const Json& json) {
  const auto found = json.find("txid");
  if (found == json.end()) return std::nullopt;
  std::uint64_t txid = 0;
  if (found->is_number_unsigned()) {
    txid = found->get<std::uint64_t>();
  } else if (found->is_string()) {
    const auto& text = found->get_ref<const std::string&>();
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), txid, 16);
    if (text.size() != kTxidDigits || error != std::errc{} || end != text.data() + text.size()) txid = 0;
  }
  if (txid == 0) return wrong("\"txid\" must be a text of 16 hexadecimal digits or a whole number above 0");
  return txid;
}

}  // namespace

base::Result<RestoreRequest> parse_restore_request(std::string_view body) {
  TRY_ASSIGN(const Json json, parse_object(body, {"clientId", "to", "download", "at", "txid"}));
  RestoreRequest request;
  TRY_ASSIGN(request.client_id, take_client(json));
  TRY_ASSIGN(request.to, take_text(json, "to"));
  TRY_ASSIGN(request.download, take_download(json));
  TRY_ASSIGN(request.at, take_text(json, "at"));
  TRY_ASSIGN(request.txid, take_txid(json));
  if (request.to.empty() == !request.download) {
    return wrong("exactly one of \"to\" (the path of a new file on the server) and \"download\": true is needed");
  }
  if (!request.to.empty() && !request.to.starts_with('/')) {
    return wrong(fmt::format("\"to\" is the relative path \"{}\"; it must begin with '/'", request.to));
  }
  if (!request.at.empty() && request.txid) {
    return wrong("\"at\" and \"txid\" both choose a state; give one of them, or neither for the newest");
  }
  return request;
}

base::Result<std::string> parse_verification_request(std::string_view body) {
  TRY_ASSIGN(const Json json, parse_object(body, {"clientId"}));
  return take_client(json);
}

}  // namespace web
