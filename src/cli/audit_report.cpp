#include "cli/audit_report.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/bytes.h"
#include "cli/progress.h"

namespace cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kLinesShown = 20;

std::string name_text(const storage::LtxName& name) {
  return fmt::format("level {} {}-{}", name.level.value, base::hex16(name.min.value), base::hex16(name.max.value));
}

// A heading and its first lines.
template <typename Items, typename Line>
void section(std::string& text, std::string_view heading, const Items& items, const Line& line) {
  if (items.empty()) return;
  text += fmt::format("\n{} ({})\n", heading, items.size());
  const std::size_t shown = std::min(items.size(), kLinesShown);
  for (std::size_t i = 0; i < shown; ++i) text += "  " + line(items[i]) + "\n";
  if (shown < items.size()) text += fmt::format("  and {} more; -json has all\n", items.size() - shown);
}

std::string prefix_text(const AuditReport::Prefix& prefix) {
  return fmt::format("{}  {} objects, {}, the newest stored at {}", prefix.id, prefix.objects,
                     format_bytes(prefix.bytes), base::to_rfc3339(prefix.newest));
}

std::string difference_text(const AuditReport::Different& different) {
  const engine::InventoryDifference& d = different.difference;
  std::string text = fmt::format("{}  {} missing, {} not recorded, {} of another size", different.id, d.missing.size(),
                                 d.unknown.size(), d.resized.size());
  for (const auto* names : {&d.missing, &d.resized, &d.unknown}) {
    if (names->empty()) continue;
    text += ", such as " + name_text(names->front());
    break;
  }
  return text + (different.repair_asked ? "  [will be listed anew]" : "");
}

Json prefixes(const std::vector<AuditReport::Prefix>& found) {
  Json list = Json::array();
  for (const AuditReport::Prefix& prefix : found) {
    list.push_back({{"id", prefix.id},
                    {"objects", prefix.objects},
                    {"bytes", prefix.bytes},
                    {"newest", base::to_rfc3339(prefix.newest)}});
  }
  return list;
}

Json names(const std::vector<storage::LtxName>& found) {
  Json list = Json::array();
  for (const storage::LtxName& name : found) {
    list.push_back(
        {{"level", name.level.value}, {"min", base::hex16(name.min.value)}, {"max", base::hex16(name.max.value)}});
  }
  return list;
}

}  // namespace

std::string audit_text(const AuditReport& report) {
  std::string text =
      fmt::format("{} backups, {} objects, {}\n", report.clients, report.objects, format_bytes(report.bytes));
  const auto as_is = [](const std::string& line) { return line; };
  section(text, "LOST: stored once, and the bucket holds nothing of them", report.lost, as_is);
  section(text, "BROKEN: the newest state cannot be restored; verify tells why", report.broken, as_is);
  section(text, "DIFFERENT from what is recorded here", report.different, difference_text);
  section(text, "backups of databases that are gone", report.gone, prefix_text);
  section(text, "backups of databases that this host never had", report.unknown, prefix_text);
  section(text, "objects that are no backup's", report.foreign, as_is);
  if (report.foreign_count > report.foreign.size()) text += fmt::format("  {} in all\n", report.foreign_count);
  if (!report.is_bad()) text += "\nThe bucket holds what is recorded here.\n";
  return text;
}

std::string audit_json(const AuditReport& report) {
  Json json{{"clients", report.clients},
            {"objects", report.objects},
            {"bytes", report.bytes},
            {"ok", !report.is_bad()},
            {"lost", report.lost},
            {"broken", report.broken},
            {"different", Json::array()},
            {"gone", prefixes(report.gone)},
            {"unknown", prefixes(report.unknown)},
            {"foreign", {{"count", report.foreign_count}, {"keys", report.foreign}}}};
  for (const AuditReport::Different& different : report.different) {
    json["different"].push_back({{"id", different.id},
                                 {"missing", names(different.difference.missing)},
                                 {"notRecorded", names(different.difference.unknown)},
                                 {"resized", names(different.difference.resized)},
                                 {"repairAsked", different.repair_asked}});
  }
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace cli
