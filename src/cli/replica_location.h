// Which backup a restore means: a client's GUID inside -bucket, or the URL of the backup itself, as `litestream
// restore` takes it.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

namespace cli {

struct ReplicaLocation {
  std::string bucket;   // "s3://name[/prefix]", "file:///directory", or what -bucket said
  std::string replica;  // path below it, without slashes at the ends
  friend bool operator==(const ReplicaLocation&, const ReplicaLocation&) = default;
};

// 8-4-4-4-12 hexadecimal digits, either case.
bool is_guid(std::string_view text);

// `bucket_flag` is what -bucket said, empty if it was not given. A URL is split before "/databases/GUID" where it ends
// so; any other s3 URL after the bucket's name, any other file URL before its last part. Category::invalid: neither
// GUID nor URL, a GUID without bucket, a URL together with a bucket, a URL with a query or without a path.
base::Result<ReplicaLocation> locate_replica(std::string_view operand, std::string_view bucket_flag);

}  // namespace cli
