#include "web/replica_url.h"

#include <gtest/gtest.h>

namespace {

TEST(ReplicaUrl, FollowsHowTheBucketWasWritten) {
  struct Case {
    std::string_view bucket, url;
  };
  for (const Case& c :
       {Case{"backups", "s3://backups/databases/x"}, Case{"s3://backups", "s3://backups/databases/x"},
        Case{"s3://backups/eu/", "s3://backups/eu/databases/x"}, Case{"file:///var/b", "file:///var/b/databases/x"},
        Case{"file:/var/b", "file:///var/b/databases/x"}}) {
    EXPECT_EQ(web::replica_url(c.bucket, "databases/x"), c.url);
  }
}

TEST(RestoreCommand, QuotesWhatAShellWouldSplitOrExpand) {
  EXPECT_EQ(web::restore_command("id", "s3://b/databases/id"),
            "litestream-manager restore -o id.db s3://b/databases/id");
  EXPECT_EQ(web::restore_command("id", "file:///my data/$(x)"),
            "litestream-manager restore -o id.db 'file:///my data/$(x)'");
  EXPECT_EQ(web::restore_command("id", "file:///it's"), R"(litestream-manager restore -o id.db 'file:///it'\''s')");
}

}  // namespace
