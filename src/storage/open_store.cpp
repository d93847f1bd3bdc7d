#include "storage/open_store.h"

#include "storage/file_store.h"
#include "storage/s3/s3_store.h"

namespace storage {

namespace {

template <typename Store>
std::unique_ptr<ObjectStore> with_retries(std::unique_ptr<Store> store, const RetryPolicy& policy) {
  Executor& executor = store->executor();
  return std::make_unique<RetryingStore>(std::move(store), executor, policy);
}

base::Result<s3::S3Target> make_target(const StoreConfig& config) {
  s3::S3Target target;
  target.bucket = config.bucket.bucket;
  target.region = config.region.empty() ? "us-east-1" : config.region;
  target.path_style = config.force_path_style || !s3::is_host_compatible(target.bucket);
  if (config.endpoint.empty()) {
    target.endpoint = s3::aws_endpoint(target.region);
    return target;
  }
  auto endpoint = http::parse_url(config.endpoint);
  if (!endpoint) return base::fail(endpoint.error().with_context("S3 endpoint"));
  if (endpoint->path != "/" || !endpoint->query.empty()) {
    return base::fail(base::Category::invalid, "S3 endpoint: only scheme, host and port may stand in it");
  }
  target.endpoint = *std::move(endpoint);
  target.path_style = true;
  return target;
}

}  // namespace

base::Result<std::unique_ptr<ObjectStore>> make_store(StoreConfig config) {
  if (config.bucket.kind == BucketUrl::Kind::file) {
    return with_retries(std::make_unique<FileStore>(config.bucket.directory), config.retry);
  }
  s3::S3StoreConfig s3;
  TRY_ASSIGN(s3.target, make_target(config));
  s3.prefix = config.bucket.prefix;
  s3.credentials = std::move(config.credentials);
  if (!s3.credentials) s3.credentials = std::make_shared<s3::DefaultCredentials>(s3::process_environment());
  s3.transfer = std::move(config.transfer);
  s3.part_retry = config.retry;
  return with_retries(std::make_unique<s3::S3Store>(std::move(s3)), config.retry);
}

}  // namespace storage
