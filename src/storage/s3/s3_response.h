// Reads the answers of S3 that carry more than a status. Pure. A document that is not what it should be is
// Category::corrupt.
#pragma once

#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "http/transfer.h"
#include "storage/object_store.h"

namespace storage::s3 {

// ListObjectsV2 with encoding-type=url. Keys as the server has them, with the store's prefix.
base::Result<ListPage> parse_list(base::ByteView body);

struct KeyFailure {
  std::string key;
  std::string code;
  std::string message;
};
// DeleteObjects, quiet: only what failed.
base::Result<std::vector<KeyFailure>> parse_delete(base::ByteView body);

// CreateMultipartUpload: the upload's id.
base::Result<std::string> parse_upload_id(base::ByteView body);

// CompleteMultipartUpload: the ETag, which some servers leave empty.
base::Result<std::string> parse_complete(base::ByteView body);

// Headers of HEAD. Without a readable litestream-timestamp that field is none.
base::Result<ObjectHead> parse_head(const http::Response& response);

}  // namespace storage::s3
