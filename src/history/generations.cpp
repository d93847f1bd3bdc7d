#include "history/generations.h"

#include <algorithm>
#include <charconv>
#include <tuple>

namespace history {
namespace {

constexpr std::string_view kFolder = "/generations/";
constexpr std::size_t kGenerationDigits = 16;

bool is_hex(std::string_view text) {
  return text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

template <typename T>
bool parse_hex(std::string_view text, std::size_t digits_min, std::size_t digits_max, T& value) {
  if (text.size() < digits_min || text.size() > digits_max || !is_hex(text)) return false;
  return std::from_chars(text.data(), text.data() + text.size(), value, 16).ec == std::errc{};
}

bool take_prefix(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

bool take_suffix(std::string_view& text, std::string_view suffix) {
  if (!text.ends_with(suffix)) return false;
  text.remove_suffix(suffix.size());
  return true;
}

bool parse_name(std::string_view rest, GenerationObject& object) {
  if (take_prefix(rest, "/snapshots/")) {
    object.is_snapshot = true;
    return take_suffix(rest, ".snapshot.lz4") && parse_hex(rest, 8, 8, object.index);
  }
  if (!take_prefix(rest, "/wal/") || !take_suffix(rest, ".wal.lz4")) return false;
  const std::size_t bar = rest.find('_');
  if (bar == std::string_view::npos) return false;
  return parse_hex(rest.substr(0, bar), 8, 8, object.index) && parse_hex(rest.substr(bar + 1), 8, 16, object.offset);
}

bool is_in(const GenerationObject& object, const std::optional<base::UnixMillis>& at) {
  return !at || object.created_at <= *at;
}

const GenerationObject* newest_snapshot(const std::vector<GenerationObject>& objects,
                                        const std::optional<base::UnixMillis>& at) {
  const GenerationObject* best = nullptr;
  for (const GenerationObject& object : objects) {
    if (!object.is_snapshot || !is_in(object, at)) continue;
    if (best == nullptr || object.created_at >= best->created_at) best = &object;
  }
  return best;
}

// Indexes follow one another from the snapshot's on, and each begins at offset 0. Holes inside a WAL file show only
// when the lengths are known.
base::Result<> check_indexes(const GenerationPlan& plan) {
  std::uint64_t expected = plan.snapshot.index;
  for (const GenerationObject& segment : plan.segments) {
    if (segment.offset == 0 ? segment.index != expected : segment.index + std::uint64_t{1} != expected) {
      return base::fail(base::Category::corrupt, segment.key.value + ": WAL segments before it are missing");
    }
    if (segment.offset == 0) ++expected;
  }
  return {};
}

}  // namespace

std::optional<GenerationObject> parse_generation_key(std::string_view replica, std::string_view key) {
  GenerationObject object;
  std::string_view rest = key;
  if (!take_prefix(rest, replica) || !take_prefix(rest, kFolder)) return std::nullopt;
  const std::string_view generation = rest.substr(0, kGenerationDigits);
  if (generation.size() != kGenerationDigits || !is_hex(generation)) return std::nullopt;
  if (!parse_name(rest.substr(kGenerationDigits), object)) return std::nullopt;
  object.generation = generation;
  object.key = base::ObjectKey{std::string(key)};
  return object;
}

base::Result<GenerationPlan> plan_generation(std::vector<GenerationObject> objects,
                                             std::optional<base::UnixMillis> at) {
  const GenerationObject* snapshot = newest_snapshot(objects, at);
  if (snapshot == nullptr) return base::fail(base::Category::not_found, "no snapshot that can be restored");
  GenerationPlan plan{.snapshot = *snapshot, .segments = {}};
  for (GenerationObject& object : objects) {
    if (object.is_snapshot || object.generation != plan.snapshot.generation) continue;
    if (object.index >= plan.snapshot.index && is_in(object, at)) plan.segments.push_back(std::move(object));
  }
  std::ranges::sort(plan.segments, {}, [](const GenerationObject& o) { return std::tuple(o.index, o.offset); });
  TRY(check_indexes(plan));
  return plan;
}

bool prefer_generation(const std::vector<GenerationObject>& older, const std::vector<BackupFile>& files,
                       const RestoreTarget& target) {
  if (target.txid || older.empty()) return false;
  if (files.empty()) return true;
  const auto by_time = [](const auto& a, const auto& b) { return a.created_at < b.created_at; };
  if (!target.before) {
    return std::ranges::max_element(files, by_time)->created_at < std::ranges::max_element(older, by_time)->created_at;
  }
  const GenerationObject* snapshot = newest_snapshot(older, target.before);
  if (snapshot == nullptr) return false;
  return std::ranges::none_of(files, [&](const BackupFile& file) {
    return file.name.level == base::kSnapshotLevel && file.created_at < *target.before &&
           file.created_at >= snapshot->created_at;
  });
}

}  // namespace history
