#include "conformance/store_under_test.h"

#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "base/check.h"
#include "base/random.h"
#include "storage/file_store.h"
#include "storage/memory_store.h"
#include "storage/open_store.h"
#include "storage/s3/s3_store.h"

namespace conformance {

namespace {

std::string required(const char* name) {
  const char* value = std::getenv(name);
  if (value != nullptr && *value != '\0') return value;
  std::fprintf(stderr, "%s is not set: run this test through tests/support/with-s3\n", name);
  std::exit(1);
}

// Made by the store itself; removed with everything in it.
struct TemporaryDirectory {
  const std::filesystem::path path = std::filesystem::temp_directory_path() / ("conformance-" + base::random_hex(12));
  TemporaryDirectory() = default;
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory() { std::filesystem::remove_all(path); }
};

std::string fresh_prefix() {
  return "conformance/" + base::random_hex(12);
}

}  // namespace

StoreUnderTest memory_store() {
  return {.name = "memory", .open = [] { return Opened{{}, std::make_unique<storage::MemoryStore>()}; }};
}

StoreUnderTest file_store() {
  return {.name = "file", .open = [] {
            auto directory = std::make_shared<TemporaryDirectory>();
            auto store = std::make_unique<storage::FileStore>(directory->path);
            return Opened{std::move(directory), std::move(store)};
          }};
}

StoreUnderTest s3_store() {
  return {.name = "s3",
          .open =
              [] {
                storage::s3::S3StoreConfig config;
                const auto endpoint = http::parse_url(required("LM_S3_ENDPOINT"));
                CHECK(endpoint.has_value());
                config.target = {.endpoint = *endpoint,
                                 .bucket = required("LM_S3_BUCKET"),
                                 .region = required("AWS_REGION"),
                                 .path_style = true};
                config.prefix = fresh_prefix();
                config.credentials =
                    std::make_shared<storage::s3::DefaultCredentials>(storage::s3::process_environment());
                return Opened{{}, std::make_unique<storage::s3::S3Store>(std::move(config))};
              },
          .listing_keys = 300};
}

StoreUnderTest retrying_s3_store() {
  return {.name = "retrying_s3",
          .open =
              [] {
                auto store = storage::make_store(s3_config());
                CHECK(store.has_value());
                return Opened{{}, *std::move(store)};
              },
          .listing_keys = 300};
}

storage::StoreConfig s3_config() {
  storage::StoreConfig config;
  config.bucket.bucket = required("LM_S3_BUCKET");
  config.bucket.prefix = fresh_prefix();
  config.endpoint = required("LM_S3_ENDPOINT_TLS");
  config.region = required("AWS_REGION");
  config.transfer.ca_file = required("LM_S3_CA");
  return config;
}

}  // namespace conformance
