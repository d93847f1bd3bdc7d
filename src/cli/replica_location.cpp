#include "cli/replica_location.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "base/types.h"
#include "storage/keys.h"

namespace cli {
namespace {

using base::Category;
using base::fail;
using base::Result;

constexpr std::string_view kS3 = "s3://";
constexpr std::string_view kFile = "file://";
constexpr std::string_view kDatabases = "/databases/";
constexpr std::size_t kGuidLength = 36;

std::unexpected<base::Error> bad_url(std::string_view url, std::string_view why) {
  return fail(Category::invalid, "\"" + std::string(url) + "\" " + std::string(why));
}

// Where the replica's path begins in `path` ("bucket/prefix/databases/GUID" or "/directory/databases/GUID"), the slash
// before it included; npos if there is none.
std::size_t replica_start(std::string_view path, bool is_file) {
  const std::size_t databases = path.rfind(kDatabases);
  if (databases != std::string_view::npos && is_guid(path.substr(databases + kDatabases.size()))) return databases;
  return is_file ? path.rfind('/') : path.find('/');
}

Result<ReplicaLocation> split_url(std::string_view url) {
  const bool is_file = url.starts_with(kFile);
  const std::string_view scheme = is_file ? kFile : kS3;
  std::string_view path = url.substr(scheme.size());
  while (path.ends_with('/')) path.remove_suffix(1);
  if (path.find_first_of("?#") != std::string_view::npos) {
    return bad_url(url, "has a query; use -endpoint, -region and -force-path-style instead");
  }
  if (is_file && !path.starts_with('/')) return bad_url(url, "is not absolute; write file:///directory/...");
  const std::size_t start = replica_start(path, is_file);
  if (start == std::string_view::npos || (start == 0 && !is_file)) {
    return bad_url(url, "names a bucket but no backup in it; add /databases/GUID");
  }
  if (path.substr(start + 1).starts_with('/')) return bad_url(url, "has two slashes where the backup's path begins");
  const std::string_view above = path.substr(0, start);
  return ReplicaLocation{std::string(scheme) + std::string(above.empty() ? "/" : above),
                         std::string(path.substr(start + 1))};
}

}  // namespace

bool is_guid(std::string_view text) {
  constexpr std::array<std::size_t, 4> kDashes{8, 13, 18, 23};
  if (text.size() != kGuidLength) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool dash_wanted = std::ranges::find(kDashes, i) != kDashes.end();
    if (dash_wanted ? text[i] != '-' : std::isxdigit(static_cast<unsigned char>(text[i])) == 0) return false;
  }
  return true;
}

Result<ReplicaLocation> locate_replica(std::string_view operand, std::string_view bucket_flag) {
  if (operand.starts_with(kS3) || operand.starts_with(kFile)) {
    if (!bucket_flag.empty()) {
      return fail(Category::invalid, "a URL names its bucket itself; leave -bucket out, or give the GUID alone");
    }
    return split_url(operand);
  }
  if (!is_guid(operand)) {
    return bad_url(operand, "is neither a GUID (8-4-4-4-12 hexadecimal digits) nor an s3:// or file:// URL");
  }
  if (bucket_flag.empty()) return fail(Category::invalid, "-bucket is missing: which bucket holds the backup?");
  return ReplicaLocation{std::string(bucket_flag), storage::replica_path(base::DatabaseId{std::string(operand)})};
}

}  // namespace cli
