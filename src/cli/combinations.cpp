#include "cli/combinations.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <functional>
#include <iterator>
#include <utility>

#include "base/check.h"
#include "cli/settings.h"
#include "cli/values.h"
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

struct Thinned {
  std::string_view name;
  std::chrono::milliseconds keep;
  std::chrono::milliseconds slot;
  std::string_view word;
};

std::array<Thinned, 4> thinned_of(const history::RetentionPolicy& policy) {
  using namespace std::chrono_literals;
  return {Thinned{"retention-hourly", policy.hourly, 1h, "hour"},
          {"retention-daily", policy.daily, 24h, "day"},
          {"retention-weekly", policy.weekly, std::chrono::days(7), "week"},
          {"retention-monthly", policy.monthly, std::chrono::days(28), "month"}};
}

// A setting that was given and says nothing: its name and the rest of the sentence.
struct Senseless {
  std::string_view name;
  std::string text;
};

// What a default says beside it is not held against anybody.
std::vector<Senseless> find_senseless(const engine::ClientPolicy& policy,
                                      const std::function<bool(std::string_view)>& given) {
  const history::RetentionPolicy& retention = policy.retention;
  std::vector<Senseless> found;
  if (retention.off) return found;  // what would be kept may stand beside it, for when it is on again
  if (given("retention-window") && retention.window < policy.sync_interval) {
    found.push_back({"retention-window", "is " + format_duration(retention.window) +
                                             ", shorter than the time between two uploads, sync-interval (" +
                                             format_duration(policy.sync_interval) + "); give it more"});
  }
  for (const Thinned& one : thinned_of(retention)) {
    if (!given(one.name) || one.keep.count() == 0) continue;
    if (one.keep <= retention.window) {
      found.push_back({one.name, "is " + format_duration(one.keep) +
                                     ", but retention-window keeps every restore point " + "of the last " +
                                     format_duration(retention.window) + " anyway; give it more, or 0s for none"});
    } else if (one.keep < one.slot) {
      found.push_back({one.name, "is " + format_duration(one.keep) + ", less than one " + std::string(one.word) +
                                     "; give it more, or 0s for none"});
    }
  }
  return found;
}

}  // namespace

std::vector<std::string> find_contradictions(const ClientBlock& block, const engine::ClientPolicy& for_all) {
  engine::ClientPolicy policy = for_all;
  const std::vector<Setting> settings = client_settings(policy);
  for (const ConfigValue& value : block.values) {
    for (const std::string& text : value.texts) CHECK(find_setting(settings, value.name)->assign(text).has_value());
  }
  const auto value_of = [&](std::string_view name) {
    return std::ranges::find(block.values, name, &ConfigValue::name);
  };
  const std::string file = block.origin.substr(0, block.origin.rfind(':', block.origin.rfind(':') - 1));
  std::vector<std::string> found;
  for (const Senseless& one : find_senseless(policy, [&](auto name) { return value_of(name) != block.values.end(); })) {
    found.push_back(to_string(file, value_of(one.name)->place) + ": " + std::string(one.name) + " " + one.text);
  }
  return found;
}

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
  for (const Senseless& one : find_senseless(options.client, [&](auto name) { return is_given(effective, name); })) {
    found.push_back(said(effective, one.name) + " " + one.text);
  }
  for (const ClientBlock& block : options.client_blocks) {
    std::ranges::move(find_contradictions(block, options.client), std::back_inserter(found));
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
