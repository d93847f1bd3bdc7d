#include "cli/open_store.h"

#include <utility>

#include "storage/bucket_url.h"
#include "storage/open_store.h"
#include "storage/s3/credentials.h"

namespace cli {

base::Result<std::unique_ptr<storage::ObjectStore>> open_store(const StoreOptions& options) {
  storage::StoreConfig config;
  TRY_ASSIGN(config.bucket, storage::parse_bucket_url(options.bucket));
  config.endpoint = options.endpoint;
  config.region = options.region;
  if (config.region.empty()) {
    config.region = storage::s3::find_region(storage::s3::process_environment()).value_or("");
  }
  config.force_path_style = options.force_path_style;
  return storage::make_store(std::move(config));
}

}  // namespace cli
