// Builds S3 requests; sends nothing. One function per operation, each with the wire text that it leads to.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "http/transfer.h"
#include "http/url.h"
#include "storage/object_store.h"
#include "storage/s3/credentials.h"
#include "storage/s3/sigv4.h"

namespace storage::s3 {

// Where requests go. Path style "https://host/bucket/key", else "https://bucket.host/key".
struct S3Target {
  http::Url endpoint;
  std::string bucket;
  std::string region;
  bool path_style = true;
};

// AWS's own endpoint of a region.
http::Url aws_endpoint(std::string_view region);
// Whether the bucket's name may stand in a host name: a DNS label without dots (a dot would not match AWS's
// certificate).
bool is_host_compatible(std::string_view bucket);

// An unsigned request. Keys here are whole: the store's prefix is part of them.
struct S3Call {
  http::Method method = http::Method::get;
  std::string key;        // empty: the bucket itself
  QueryParameters query;  // not encoded, in any order
  HeaderList headers;     // names in lower case
  std::optional<http::RequestBody> body;
  std::uint64_t response_bytes_max = 1U << 20;
  std::shared_ptr<base::Bytes> keep_partial;  // http::Request's
};

// PUT /key: content-type: application/octet-stream, x-amz-meta-litestream-timestamp, if-none-match: * when asked.
S3Call put_object(const std::string& key, http::RequestBody body, OnExisting on_existing,
                  base::UnixMillis litestream_timestamp);
// GET /key, with range: bytes=first-[last] only if a part is asked for (of an empty object S3 refuses any range).
S3Call get_object(const std::string& key, const GetRequest& request);
// HEAD /key
S3Call head_object(const std::string& key);
// GET /?encoding-type=url&list-type=2&max-keys=N&prefix=P&start-after=K
S3Call list_objects(std::string_view prefix, std::string_view start_after, std::uint32_t max_keys);
// POST /?delete= with content-md5 and <Delete><Quiet>true</Quiet><Object><Key>... for at most 1,000 keys
S3Call delete_objects(const std::vector<std::string>& keys);

// POST /key?uploads=, with the headers of put_object except the condition
S3Call create_multipart(const std::string& key, base::UnixMillis litestream_timestamp);
// PUT /key?partNumber=N&uploadId=U
S3Call upload_part(const std::string& key, std::string_view upload_id, std::uint32_t number, http::RequestBody body);
// POST /key?uploadId=U with <CompleteMultipartUpload>, if-none-match: * when asked. `etags` in the order of the parts.
S3Call complete_multipart(const std::string& key, std::string_view upload_id, const std::vector<std::string>& etags,
                          OnExisting on_existing);
// DELETE /key?uploadId=U
S3Call abort_multipart(const std::string& key, std::string_view upload_id);

// SHA-256 of a body in lower-case hex; reads it once.
base::Result<std::string> payload_sha256(const std::optional<http::RequestBody>& body);

// The signed request, ready to send.
http::Request sign(const S3Target& target, S3Call call, const std::string& payload_sha256_hex,
                   const Credentials& credentials, base::UnixMillis now);

}  // namespace storage::s3
