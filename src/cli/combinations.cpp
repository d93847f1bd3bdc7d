#include "cli/combinations.h"

#include <algorithm>

#include "storage/bucket_url.h"

namespace cli {
namespace {

// "endpoint (FILE:3:1)".
std::string said(std::span<const EffectiveSetting> effective, std::string_view name) {
  const EffectiveSetting* setting = find_effective(effective, name);
  return std::string(name) + " (" + (setting != nullptr ? setting->holds.origin : "default") + ")";
}

bool is_given(std::span<const EffectiveSetting> effective, std::string_view name) {
  const EffectiveSetting* setting = find_effective(effective, name);
  return setting != nullptr && !setting->is_default();
}

std::filesystem::path resolved(const std::filesystem::path& path) {
  std::error_code failure;
  auto absolute = std::filesystem::absolute(path, failure).lexically_normal();
  if (!absolute.has_filename() && absolute.has_relative_path()) absolute = absolute.parent_path();
  return failure ? path : absolute;
}

// `inner` is `outer` or stands somewhere below it.
bool is_within(const std::filesystem::path& inner, const std::filesystem::path& outer) {
  const auto [end, unused] = std::mismatch(outer.begin(), outer.end(), inner.begin(), inner.end());
  return end == outer.end();
}

}  // namespace

std::vector<std::string> find_contradictions(const Options& options, std::span<const EffectiveSetting> effective) {
  std::vector<std::string> found;
  const auto bucket = storage::parse_bucket_url(options.store.bucket);
  const bool is_file = bucket && bucket->kind == storage::BucketUrl::Kind::file;
  for (const std::string_view name : {"endpoint", "force-path-style"}) {
    if (!is_file || !is_given(effective, name)) continue;
    if (name == "force-path-style" && !options.store.force_path_style) continue;
    found.push_back(said(effective, name) + " is about a server, but " + said(effective, "bucket") +
                    " is a directory; take one of the two away");
  }
  if (!options.store.endpoint.empty() && is_given(effective, "force-path-style") && !options.store.force_path_style) {
    found.push_back(said(effective, "force-path-style") + " is false, but " + said(effective, "endpoint") +
                    " implies it; take it away");
  }
  if (options.state_dir.empty()) return found;
  for (const auto& watched : options.watch_dirs) {
    if (!is_within(resolved(watched), resolved(options.state_dir))) continue;
    found.push_back(said(effective, "watch-dir") + " has " + watched.string() + ", but nothing in " +
                    said(effective, "state-dir") + " " + options.state_dir.string() +
                    " is ever watched; choose another state directory");
  }
  return found;
}

}  // namespace cli
