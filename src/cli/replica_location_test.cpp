#include "cli/replica_location.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cli {
namespace {

using testing::HasSubstr;

const std::string kGuid = "0A1b2c3d-0000-4000-8000-00000000000f";

TEST(Guid, HasHexDigitsInFiveGroups) {
  EXPECT_TRUE(is_guid(kGuid));
  for (const char* text : {"", "0a1b2c3d-0000-4000-8000-00000000000", "0a1b2c3d-0000-4000-8000-00000000000f0",
                           "0a1b2c3d00000-4000-8000-00000000000f", "0a1b2c3g-0000-4000-8000-00000000000f",
                           "0a1b2c3d-0000-4000-8000-0000000000-0"}) {
    EXPECT_FALSE(is_guid(text)) << text;
  }
}

TEST(ReplicaLocation, ComesFromGuidAndBucketOrFromAUrl) {
  struct Case {
    std::string operand, bucket_flag;
    ReplicaLocation expected;
  };
  const Case cases[] = {
      {kGuid, "backups", {"backups", "databases/" + kGuid}},
      {kGuid, "file:///b", {"file:///b", "databases/" + kGuid}},
      {"s3://b/databases/" + kGuid, "", {"s3://b", "databases/" + kGuid}},
      {"s3://b/databases/" + kGuid + "/", "", {"s3://b", "databases/" + kGuid}},
      {"s3://b/p/q/databases/" + kGuid, "", {"s3://b/p/q", "databases/" + kGuid}},
      {"s3://b/elsewhere/shop.db", "", {"s3://b", "elsewhere/shop.db"}},
      {"file:///srv/b/databases/" + kGuid, "", {"file:///srv/b", "databases/" + kGuid}},
      {"file:///databases/" + kGuid, "", {"file:///", "databases/" + kGuid}},
      {"file:///srv/shop", "", {"file:///srv", "shop"}},
  };
  for (const Case& c : cases) EXPECT_EQ(locate_replica(c.operand, c.bucket_flag), c.expected) << c.operand;
}

TEST(ReplicaLocation, RefusalSaysHowToMendIt) {
  struct Case {
    std::string operand, bucket_flag;
    const char* expected;
  };
  const Case cases[] = {
      {kGuid, "", "-bucket is missing"},
      {"s3://b/databases/" + kGuid, "b", "leave -bucket out"},
      {"s3://b", "", "add /databases/GUID"},
      {"s3://", "", "add /databases/GUID"},
      {"s3:///databases/" + kGuid, "", "add /databases/GUID"},
      {"s3://b/x?endpoint=http://h", "", "use -endpoint"},
      {"s3://b//databases", "", "two slashes"},
      {"file://", "", "not absolute"},
      {"file://relative/x", "", "not absolute"},
      {"https://host/b", "b", "neither a GUID"},
      {"shop.db", "b", "neither a GUID"},
  };
  for (const Case& c : cases) {
    const auto location = locate_replica(c.operand, c.bucket_flag);
    ASSERT_FALSE(location) << c.operand;
    EXPECT_EQ(location.error().category, base::Category::invalid);
    EXPECT_THAT(location.error().message, HasSubstr(c.expected));
  }
}

}  // namespace
}  // namespace cli
