// Keys that a bucket's listing shows us, times as text, and settings files: a key that is taken for ours is written by
// us in exactly this spelling, and none leads out of a file store's folder.
#include <filesystem>
#include <string>

#include "fuzz.h"
#include "storage/file_key.h"
#include "storage/keys.h"
#include "storage/s3/credentials.h"
#include "storage/timestamp.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input(data, size);
  constexpr std::string_view kReplica = "databases/6b1d2b6c-0f3e-4d6e-8a55-2f6f0f0f9e10";
  const std::string key = std::string(kReplica) + "/" + std::string(input.text());
  for (const auto layout : {storage::KeyLayout::s3, storage::KeyLayout::file}) {
    if (auto name = storage::parse_ltx_key(layout, kReplica, key)) {
      MUST(name->min <= name->max);
      MUST(storage::ltx_key(layout, kReplica, *name).value == key);
    }
  }
  if (storage::check_file_key(input.text())) {
    const auto path = (std::filesystem::path("/bucket") / std::string(input.text())).lexically_normal().string();
    MUST(path.starts_with("/bucket/"));
    MUST(path.find('\0') == std::string::npos);
  }
  if (auto time = storage::parse_rfc3339(input.text())) MUST(time->count() > -62'200'000'000'000);
  if (auto value = storage::s3::find_setting(input.text(), "default", "region")) MUST(!value->empty());
  return 0;
}
