// Everything that an operator may write as an address: what is accepted can be written again and means the same.
#include <string>

#include "cli/replica_location.h"
#include "fuzz.h"
#include "http/url.h"
#include "storage/bucket_url.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input(data, size);
  const std::string_view text = input.text();
  if (auto url = http::parse_url(text)) {
    MUST(url->scheme == "http" || url->scheme == "https");
    MUST(!url->host.empty() && url->path.starts_with('/'));
    const std::string again = http::origin(*url) + url->path + (url->query.empty() ? "" : "?" + url->query);
    auto second = http::parse_url(again);
    MUST(second.has_value());
    MUST(http::origin(*second) == http::origin(*url) && second->path == url->path && second->query == url->query);
  }
  if (auto bucket = storage::parse_bucket_url(text)) {
    auto second = storage::parse_bucket_url(storage::to_string(*bucket));
    MUST(second.has_value());
    if (bucket->kind == storage::BucketUrl::Kind::s3) MUST(*second == *bucket);
  }
  if (auto place = cli::locate_replica(text, "")) {
    MUST(!place->replica.empty() && !place->bucket.empty());
    MUST(!place->replica.starts_with('/') && !place->replica.ends_with('/'));
  }
  for (const auto slash : {http::Slash::encode, http::Slash::keep}) {
    MUST(http::percent_decode(http::percent_encode(text, slash), http::Plus::literal) == std::string(text));
  }
  static_cast<void>(http::percent_decode(text, http::Plus::space));
  return 0;
}
