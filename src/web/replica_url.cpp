#include "web/replica_url.h"

#include <algorithm>

namespace web {

namespace {

bool is_plain(char c) {
  constexpr std::string_view kPlain = "-_./:=@%+,";
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || kPlain.contains(c);
}

std::string shell_quote(std::string_view text) {
  if (!text.empty() && std::ranges::all_of(text, is_plain)) return std::string(text);
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

}  // namespace

std::string replica_url(std::string_view bucket, std::string_view replica_path) {
  while (bucket.ends_with('/')) bucket.remove_suffix(1);
  std::string url;
  if (bucket.starts_with("file:") && !bucket.starts_with("file://")) {
    url = "file://" + std::string(bucket.substr(5));
  } else if (bucket.contains("://")) {
    url = bucket;
  } else {
    url = "s3://" + std::string(bucket);
  }
  return url + "/" + std::string(replica_path);
}

std::string restore_command(std::string_view client_id, std::string_view url) {
  return "litestream-manager restore -o " + shell_quote(std::string(client_id) + ".db") + " " + shell_quote(url);
}

}  // namespace web
