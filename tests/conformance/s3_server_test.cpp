// What only a server that checks can show: trust, keys, bucket.
#include <gtest/gtest.h>

#include "conformance/store_conformance.h"

namespace conformance {
namespace {

using base::Category;

Category category_of_put(storage::StoreConfig config) {
  const auto store = storage::make_store(std::move(config));
  EXPECT_TRUE(store);
  const auto result = storage::put_and_wait(**store, {.key = base::ObjectKey{"k"}, .body = body_of("x")});
  return category_of(result);
}

TEST(S3Server, IsRefusedWhenItsCertificateIsNotTrusted) {
  auto config = s3_config();
  config.transfer.ca_file.clear();
  EXPECT_EQ(category_of_put(std::move(config)), Category::denied);
}

TEST(S3Server, IsRefusedWhenTheTrustFileIsMissing) {
  auto config = s3_config();
  config.transfer.ca_file += ".absent";
  EXPECT_EQ(category_of_put(std::move(config)), Category::denied);
}

TEST(S3Server, RefusesAWrongSecret) {
  auto config = s3_config();
  const auto real = storage::s3::DefaultCredentials(storage::s3::process_environment()).current();
  ASSERT_TRUE(real);
  config.credentials = std::make_shared<storage::s3::FixedCredentials>(
      storage::s3::Credentials{real->access_key_id, base::Secret("wrong"), {}});
  EXPECT_EQ(category_of_put(std::move(config)), Category::denied);
}

TEST(S3Server, DoesNotPassForEmptyWhenTheBucketIsMissing) {
  auto config = s3_config();
  config.bucket.bucket = "absent-bucket";
  const auto store = storage::make_store(std::move(config));
  ASSERT_TRUE(store);
  EXPECT_EQ(category_of(storage::list_all_and_wait(**store, "")), Category::invalid);
  EXPECT_EQ(category_of(storage::get_and_wait(**store, {.key = base::ObjectKey{"k"}, .offset = 0, .length = {}})),
            Category::invalid);
}

}  // namespace
}  // namespace conformance
