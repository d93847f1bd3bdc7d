#include "cli/open_store.h"

#include <utility>

#include "storage/bucket_url.h"
#include "storage/open_store.h"
#include "storage/s3/credentials.h"

namespace cli {

namespace {

std::string region_of(const StoreOptions& options) {
  if (!options.region.empty()) return options.region;
  return storage::s3::find_region(storage::s3::process_environment()).value_or("");
}

}  // namespace

base::Result<engine::StoreAddress> address_of(const StoreOptions& options) {
  TRY_ASSIGN(storage::BucketUrl bucket, storage::parse_bucket_url(options.bucket));
  if (bucket.kind == storage::BucketUrl::Kind::file) {
    std::error_code failure;
    const auto absolute = std::filesystem::absolute(bucket.directory, failure);
    if (!failure) bucket.directory = absolute.lexically_normal();
    return engine::StoreAddress{.url = storage::to_string(bucket)};
  }
  return engine::StoreAddress{.url = storage::to_string(bucket),
                              .endpoint = options.endpoint,
                              .region = region_of(options),
                              .path_style = options.force_path_style};
}

base::Result<std::unique_ptr<storage::ObjectStore>> open_store(const StoreOptions& options) {
  storage::StoreConfig config;
  TRY_ASSIGN(config.bucket, storage::parse_bucket_url(options.bucket));
  config.endpoint = options.endpoint;
  config.region = region_of(options);
  config.force_path_style = options.force_path_style;
  return storage::make_store(std::move(config));
}

}  // namespace cli
