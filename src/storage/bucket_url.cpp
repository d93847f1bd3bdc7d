#include "storage/bucket_url.h"

#include <algorithm>

#include <fmt/format.h>

namespace storage {

namespace {

constexpr std::size_t kBucketBytesMin = 3;
constexpr std::size_t kBucketBytesMax = 63;

std::unexpected<base::Error> invalid(std::string_view text, std::string_view why) {
  return base::fail(base::Category::invalid, fmt::format("bucket '{}': {}", text, why));
}

// Wider than AWS's own rule (upper case and '_' pass): other S3 stores allow them.
bool is_bucket_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
}

base::Result<> check_bucket_name(std::string_view text, std::string_view name) {
  if (name.empty()) return invalid(text, "the bucket's name is missing");
  if (name.size() < kBucketBytesMin || name.size() > kBucketBytesMax) {
    return invalid(text, "a bucket's name has 3 to 63 characters");
  }
  const bool edges_ok = name.front() != '.' && name.front() != '-' && name.back() != '.' && name.back() != '-';
  if (!edges_ok || !std::ranges::all_of(name, is_bucket_character) || name.contains("..")) {
    return invalid(text, "a bucket's name is letters, digits, '-', '.' and '_'");
  }
  return {};
}

base::Result<std::string> parse_prefix(std::string_view text, std::string_view prefix) {
  while (prefix.starts_with('/')) prefix.remove_prefix(1);
  while (prefix.ends_with('/')) prefix.remove_suffix(1);
  for (std::string_view rest = prefix; !rest.empty();) {
    const std::size_t slash = std::min(rest.find('/'), rest.size());
    const std::string_view component = rest.substr(0, slash);
    if (component.empty() || component == "." || component == "..") {
      return invalid(text, "the prefix holds an empty, '.' or '..' component");
    }
    rest.remove_prefix(std::min(slash + 1, rest.size()));
  }
  return std::string(prefix);
}

base::Result<BucketUrl> parse_s3(std::string_view text, std::string_view rest) {
  if (rest.find_first_of("?#@") != std::string_view::npos) {
    return invalid(text, "only a bucket's name and a prefix may follow s3://");
  }
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  TRY(check_bucket_name(text, rest.substr(0, slash)));
  BucketUrl url;
  url.bucket = rest.substr(0, slash);
  TRY_ASSIGN(url.prefix, parse_prefix(text, rest.substr(slash)));
  return url;
}

base::Result<BucketUrl> parse_file(std::string_view text, std::string_view rest) {
  if (rest.starts_with("//")) {
    rest.remove_prefix(2);
    if (!rest.starts_with('/')) {
      return invalid(text, "a directory on another host cannot be used; for an absolute path write file:///dir");
    }
  }
  if (rest.empty()) return invalid(text, "the directory is missing");
  BucketUrl url;
  url.kind = BucketUrl::Kind::file;
  url.directory = std::filesystem::path(rest).lexically_normal();
  if (!url.directory.has_filename() && url.directory.has_relative_path()) url.directory = url.directory.parent_path();
  return url;
}

}  // namespace

base::Result<BucketUrl> parse_bucket_url(std::string_view text) {
  if (text.starts_with("s3://")) return parse_s3(text, text.substr(5));
  if (text.starts_with("file:")) return parse_file(text, text.substr(5));
  if (text.starts_with("http://") || text.starts_with("https://")) {
    return base::fail(base::Category::invalid,
                      "bucket: give the bucket's name here and the server's address as the endpoint");
  }
  if (text.starts_with('/') || text.starts_with("./") || text.starts_with("../")) {
    return invalid(text, fmt::format("for a directory write file:{}{}", text.starts_with('/') ? "//" : "", text));
  }
  if (text.contains("://")) return invalid(text, "only s3:// and file: are known");
  if (text.contains('/')) return invalid(text, fmt::format("for a bucket with a prefix write s3://{}", text));
  TRY(check_bucket_name(text, text));
  BucketUrl url;
  url.bucket = text;
  return url;
}

std::string to_string(const BucketUrl& url) {
  if (url.kind == BucketUrl::Kind::file) {
    return (url.directory.is_absolute() ? "file://" : "file:") + url.directory.string();
  }
  return fmt::format("s3://{}{}{}", url.bucket, url.prefix.empty() ? "" : "/", url.prefix);
}

}  // namespace storage
