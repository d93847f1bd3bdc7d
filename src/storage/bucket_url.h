// What the operator writes after -bucket, parsed once into a value.
//
//   name                   S3 bucket
//   s3://name[/prefix]     S3 bucket, all keys below a prefix
//   file:///dir            directory, absolute
//   file:dir               directory, relative to the working directory
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/error.h"

namespace storage {

struct BucketUrl {
  enum class Kind { s3, file };
  Kind kind = Kind::s3;
  std::string bucket;               // s3
  std::string prefix;               // s3: "" or "a/b", without slashes at its ends
  std::filesystem::path directory;  // file
  friend bool operator==(const BucketUrl&, const BucketUrl&) = default;
};

// Category::invalid with the reason and, where it can be guessed, what was meant. Touches no disk.
base::Result<BucketUrl> parse_bucket_url(std::string_view text);

// "s3://bucket/prefix" or "file:///dir". Never holds a secret.
std::string to_string(const BucketUrl& url);

}  // namespace storage
