#include "engine/position.h"

#include <charconv>
#include <string_view>

#include <fmt/format.h>

namespace engine {

namespace {

// One number out of `text`, and the blank behind it unless it is the last.
template <typename T>
bool take_number(std::string_view& text, T& number) {
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failure != std::errc()) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  if (text.size() > 1 && text.front() == ' ') text.remove_prefix(1);
  return true;
}

// Exactly "tag n n n": all of the numbers and nothing behind them.
template <typename... T>
bool parse_numbers(std::string_view text, std::string_view tag, T&... numbers) {
  if (!text.starts_with(tag) || !text.substr(tag.size()).starts_with(' ')) return false;
  text.remove_prefix(tag.size() + 1);
  return (take_number(text, numbers) && ...) && text.empty();
}

}  // namespace

bool unchanged(const Fingerprint& then, const os::FileStat& now) {
  return then.complete && untouched(then, now);
}

bool untouched(const Fingerprint& then, const os::FileStat& now) {
  const os::FileStat& was = then.database;
  return was.inode != 0 && was.device == now.device && was.inode == now.inode && was.size_bytes == now.size_bytes &&
         was.modified_ns == now.modified_ns && was.changed_ns == now.changed_ns && was.born_ns == now.born_ns;
}

Fingerprint take_fingerprint(const os::FileStat& stat, bool all_backfilled, base::UnixMillis now) {
  const std::int64_t now_ns = std::chrono::duration_cast<std::chrono::nanoseconds>(now).count();
  const std::int64_t youngest = std::max(stat.modified_ns, stat.changed_ns);
  const std::int64_t granularity = std::chrono::nanoseconds(os::kTimestampGranularity).count();
  const bool old = youngest + granularity < now_ns;
  return {all_backfilled && old, stat, !old};
}

std::string to_text(const Position& p) {
  switch (p.kind) {
    case PositionKind::none:
      return "none";
    case PositionKind::closed:
      return "closed";
    case PositionKind::log:
      if (p.log.unproven) return "none";
      return fmt::format("log1 {} {} {} {} {} {} {}", p.log.salts.first, p.log.salts.second, p.log.frame,
                         p.log.checksum.first, p.log.checksum.second, p.log.page_size, p.log.big_endian ? 1 : 0);
  }
  return "none";
}

std::optional<Position> parse_position(const std::string& text) {
  if (text == "none") return Position{};
  if (text == "closed") return Position{PositionKind::closed, {}};
  Position p{PositionKind::log, {}};
  LogPosition& log = p.log;
  std::uint32_t big = 0;
  if (!parse_numbers(text, "log1", log.salts.first, log.salts.second, log.frame, log.checksum.first,
                     log.checksum.second, log.page_size, big)) {
    return std::nullopt;
  }
  if (!wal::is_page_size(log.page_size) || big > 1) return std::nullopt;
  log.big_endian = big == 1;
  return p;
}

std::string to_text(const Fingerprint& f) {
  const os::FileStat s = f.young ? os::FileStat{} : f.database;
  return fmt::format("fp1 {} {} {} {} {} {} {}", f.complete ? 1 : 0, s.device, s.inode, s.size_bytes, s.modified_ns,
                     s.changed_ns, s.born_ns);
}

std::optional<Fingerprint> parse_fingerprint(const std::string& text) {
  Fingerprint f;
  os::FileStat& s = f.database;
  std::uint32_t complete = 0;
  if (!parse_numbers(text, "fp1", complete, s.device, s.inode, s.size_bytes, s.modified_ns, s.changed_ns, s.born_ns) ||
      complete > 1) {
    return std::nullopt;
  }
  f.complete = complete == 1;
  return f;
}

}  // namespace engine
