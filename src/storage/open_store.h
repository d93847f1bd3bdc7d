// From what the operator wrote to a store that is ready to use. The one place that knows all kinds of stores.
#pragma once

#include <memory>
#include <string>

#include "base/error.h"
#include "http/transfer.h"
#include "storage/bucket_url.h"
#include "storage/object_store.h"
#include "storage/retry.h"
#include "storage/s3/credentials.h"

namespace storage {

struct StoreConfig {
  BucketUrl bucket;
  // The rest is for S3 only.
  std::string endpoint;  // "http://127.0.0.1:9000"; empty: AWS's own in the region. Set, it implies path style.
  std::string region;    // empty: us-east-1
  bool force_path_style = false;
  std::shared_ptr<s3::CredentialsProvider> credentials;  // none: DefaultCredentials from the environment
  http::TransferOptions transfer{.limits = {}, .ca_file = http::ca_file_from_environment()};
  RetryPolicy retry;
};

// A store with retries around it. Makes no request and touches no disk: whether bucket and credentials are right shows
// in the first call. Category::invalid if the endpoint is no URL.
base::Result<std::unique_ptr<ObjectStore>> make_store(StoreConfig config);

}  // namespace storage
