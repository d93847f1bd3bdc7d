#include "web/replica_url.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace web {

namespace {

bool is_alphanumeric(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool all_in(std::string_view text, std::string_view punctuation) {
  return std::ranges::all_of(text, [&](char c) { return is_alphanumeric(c) || punctuation.contains(c); });
}

std::string shell_quote(std::string_view text) {
  if (!text.empty() && all_in(text, "-_./:=@%+,")) return std::string(text);
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') {
      out += R"('\'')";
    } else {
      out += c;
    }
  }
  return out + "'";
}

// Percent-encoded but for what may stand in a path and in a query.
std::string url_encoded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (is_alphanumeric(c) || std::string_view("-_.~/:").contains(c)) {
      out += c;
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

std::string json_quoted(std::string_view text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

constexpr std::string_view kFile = "file://";
constexpr std::string_view kS3 = "s3://";

std::string from_directory(const std::string& file, const std::string& url) {
  if (all_in(url, "-_./:=@+,~")) return fmt::format("litestream restore -o {} {}", file, url);
  const std::string config = fmt::format(R"({{"dbs":[{{"path":{},"replica":{{"type":"file","path":{}}}}}]}})",
                                         json_quoted(file), json_quoted(url.substr(kFile.size())));
  return fmt::format("printf %s {} | litestream restore -config /dev/stdin {}", shell_quote(config), file);
}

}  // namespace

std::string replica_url(const engine::StoreAddress& store, std::string_view replica_path) {
  std::string_view above = store.url;
  while (above.ends_with('/')) above.remove_suffix(1);
  return fmt::format("{}/{}", above, replica_path);
}

std::string restore_command(std::string_view client_id, const engine::StoreAddress& store,
                            std::string_view replica_path) {
  std::string command = fmt::format("litestream-manager restore -o {} {}", shell_quote(fmt::format("{}.db", client_id)),
                                    shell_quote(replica_url(store, replica_path)));
  if (!store.endpoint.empty()) command += " -endpoint " + shell_quote(store.endpoint);
  if (!store.region.empty()) command += " -region " + shell_quote(store.region);
  if (store.path_style && store.endpoint.empty()) command += " -force-path-style";
  return command;
}

std::string litestream_command(std::string_view client_id, const engine::StoreAddress& store,
                               std::string_view replica_path) {
  const std::string file = fmt::format("{}.db", client_id);
  const std::string url = replica_url(store, replica_path);
  if (url.starts_with(kFile)) return from_directory(file, url);
  std::string target = std::string(kS3) + url_encoded(std::string_view(url).substr(kS3.size()));
  const char* separator = "?";
  const auto add = [&](std::string_view name, std::string_view value) {
    if (value.empty()) return;
    target += fmt::format("{}{}={}", separator, name, url_encoded(value));
    separator = "&";
  };
  add("endpoint", store.endpoint);
  add("forcePathStyle", store.path_style || !store.endpoint.empty() ? "true" : "");
  add("region", store.region);
  return fmt::format("litestream restore -o {} {}", file, shell_quote(target));
}

}  // namespace web
