#include "storage/bucket_url.h"

#include <gtest/gtest.h>

namespace storage {
namespace {

BucketUrl s3(std::string bucket, std::string prefix = "") {
  return {.kind = BucketUrl::Kind::s3, .bucket = std::move(bucket), .prefix = std::move(prefix), .directory = {}};
}
BucketUrl file(std::filesystem::path directory) {
  return {.kind = BucketUrl::Kind::file, .bucket = {}, .prefix = {}, .directory = std::move(directory)};
}

TEST(BucketUrl, IsReadFromEveryAcceptedForm) {
  const std::pair<const char*, BucketUrl> cases[] = {
      {"backups", s3("backups")},
      {"my.bucket-1", s3("my.bucket-1")},
      {"Old_Bucket", s3("Old_Bucket")},
      {"s3://backups", s3("backups")},
      {"s3://backups/", s3("backups")},
      {"s3://backups/a/b", s3("backups", "a/b")},
      {"s3://backups//a/b//", s3("backups", "a/b")},
      {"file:///var/backups", file("/var/backups")},
      {"file:///var/backups/", file("/var/backups")},
      {"file:///", file("/")},
      {"file:/var", file("/var")},
      {"file:relative/dir", file("relative/dir")},
      {"file:./relative/../dir", file("dir")},
  };
  for (const auto& [text, expected] : cases) {
    const auto parsed = parse_bucket_url(text);
    ASSERT_TRUE(parsed) << text << ": " << parsed.error().message;
    EXPECT_EQ(*parsed, expected) << text << " became " << to_string(*parsed);
  }
}

TEST(BucketUrl, SaysWhatIsWrongAndWhatWasMeant) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "name is missing"},
      {"ab", "3 to 63"},
      {"bad bucket", "letters, digits"},
      {"-bad", "letters, digits"},
      {"a..b", "letters, digits"},
      {"s3://", "name is missing"},
      {"s3:///prefix", "name is missing"},
      {"s3://backups/a//b", "prefix holds an empty"},
      {"s3://backups/../b", "prefix holds an empty, '.' or '..'"},
      {"s3://key:secret@backups", "only a bucket's name"},
      {"s3://backups?region=x", "only a bucket's name"},
      {"backups/prefix", "s3://backups/prefix"},
      {"/var/backups", "file:///var/backups"},
      {"./backups", "file:./backups"},
      {"file:", "directory is missing"},
      {"file://", "absolute path"},
      {"file://host/dir", "another host"},
      {"https://s3.example.com/b", "as the endpoint"},
      {"gs://bucket", "only s3:// and file:"},
  };
  for (const auto& [text, reason] : cases) {
    const auto parsed = parse_bucket_url(text);
    ASSERT_FALSE(parsed) << text << " became " << to_string(*parsed);
    EXPECT_EQ(parsed.error().category, base::Category::invalid);
    EXPECT_NE(parsed.error().message.find(reason), std::string::npos) << text << ": " << parsed.error().message;
  }
}

TEST(BucketUrl, IsShownAsItCanBeWrittenAgain) {
  for (const char* text : {"s3://backups", "s3://backups/a/b", "file:///var/backups", "file:relative"}) {
    EXPECT_EQ(to_string(parse_bucket_url(text).value()), text);
  }
}

}  // namespace
}  // namespace storage
