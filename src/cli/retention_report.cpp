#include "cli/retention_report.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/bytes.h"
#include "cli/progress.h"

namespace cli {
namespace {

using Json = nlohmann::ordered_json;

std::string points_text(const RetentionRow& row) {
  std::string text;
  for (std::size_t i = 0; i < row.points.size(); ++i) {
    if (row.points[i] == 0) continue;
    text +=
        fmt::format("{}{} {}", text.empty() ? "" : ", ", row.points[i], history::to_string(history::kKeepReasons[i]));
  }
  return text.empty() ? "everything" : text;
}

std::string line(std::string_view name, const RetentionRow& row) {
  std::string text = fmt::format("{:<36} {:>9} {:>10} {:>9} {:>10}  {}", name, row.objects, format_bytes(row.bytes),
                                 row.removed, format_bytes(row.removed_bytes), points_text(row));
  if (!row.left_alone.empty()) text += "  [" + row.left_alone + "]";
  for (const base::Txid pin : row.lost_pins) text += "  [pin " + base::hex16(pin.value) + " cannot be restored]";
  return text + "\n";
}

std::string reasons_text(const history::KeptPoints& kept) {
  std::string text;
  for (const history::KeepReason reason : kept.reasons) {
    text += (text.empty() ? "" : ", ") + std::string(history::to_string(reason));
  }
  return text;
}

std::string name_text(const history::Object& object) {
  return fmt::format("level {} {}-{}", object.level.value, base::hex16(object.min.value),
                     base::hex16(object.max.value));
}

std::string plan_text(const history::RetentionPlan& plan) {
  std::string text = "\nkept points\n";
  for (const history::KeptPoints& kept : plan.kept) {
    text += fmt::format("  {}  {}", base::hex16(kept.first.value), base::to_rfc3339(kept.first_time));
    if (kept.count > 1) {
      text += fmt::format("  to  {}  {}, {} points", base::hex16(kept.last.value), base::to_rfc3339(kept.last_time),
                          kept.count);
    }
    text += "  " + reasons_text(kept);
    if (kept.until) text += ", until " + base::to_rfc3339(*kept.until);
    text += "\n";
  }
  text += plan.removals.empty() ? "\nnothing would be removed\n" : "\nwould be removed\n";
  for (const history::Removal& removal : plan.removals) {
    text += fmt::format("  {}  {}  {:>9}  {}\n", name_text(removal.object), base::to_rfc3339(removal.object.created_at),
                        format_bytes(removal.object.size_bytes), history::to_string(removal.why));
  }
  return text;
}

Json record(const RetentionRow& row) {
  Json points = Json::object();
  for (std::size_t i = 0; i < row.points.size(); ++i) {
    points[std::string(history::to_string(history::kKeepReasons[i]))] = row.points[i];
  }
  return Json{{"objects", row.objects},
              {"bytes", row.bytes},
              {"remove",
               {{"objects", row.removed},
                {"bytes", row.removed_bytes},
                {"expired", row.expired},
                {"superseded", row.removed - row.expired}}},
              {"keep", {{"bytes", row.bytes - row.removed_bytes}, {"points", std::move(points)}}}};
}

void add_plan(Json& json, const history::RetentionPlan& plan) {
  json["nextDue"] = plan.next_due ? Json(base::to_rfc3339(*plan.next_due)) : Json();
  json["kept"] = Json::array();
  for (const history::KeptPoints& kept : plan.kept) {
    Json one{{"first", base::hex16(kept.first.value)},
             {"last", base::hex16(kept.last.value)},
             {"points", kept.count},
             {"firstTime", base::to_rfc3339(kept.first_time)},
             {"lastTime", base::to_rfc3339(kept.last_time)},
             {"reasons", Json::array()},
             {"until", kept.until ? Json(base::to_rfc3339(*kept.until)) : Json()}};
    for (const history::KeepReason reason : kept.reasons) one["reasons"].push_back(history::to_string(reason));
    json["kept"].push_back(std::move(one));
  }
  json["removals"] = Json::array();
  for (const history::Removal& removal : plan.removals) {
    json["removals"].push_back({{"level", removal.object.level.value},
                                {"min", base::hex16(removal.object.min.value)},
                                {"max", base::hex16(removal.object.max.value)},
                                {"bytes", removal.object.size_bytes},
                                {"time", base::to_rfc3339(removal.object.created_at)},
                                {"why", removal.why == history::RemovalReason::expired ? "expired" : "superseded"}});
  }
}

}  // namespace

RetentionRow retention_row(const engine::ClientPrefix& client, const engine::RetentionPreview& preview,
                           std::string left_alone) {
  RetentionRow row;
  row.id = client.id.value;
  row.objects = client.objects();
  row.bytes = client.size_bytes();
  row.removed = preview.plan.removals.size();
  row.removed_bytes = preview.plan.removed_bytes;
  row.expired = static_cast<std::size_t>(
      std::ranges::count(preview.plan.removals, history::RemovalReason::expired, &history::Removal::why));
  for (const history::KeptPoints& kept : preview.plan.kept) {
    for (const history::KeepReason reason : kept.reasons) row.points.at(std::to_underlying(reason)) += kept.count;
  }
  row.left_alone = std::move(left_alone);
  row.lost_pins = preview.lost_pins;
  return row;
}

void RetentionReport::add(RetentionRow row) {
  all.objects += row.objects;
  all.bytes += row.bytes;
  all.removed += row.removed;
  all.removed_bytes += row.removed_bytes;
  all.expired += row.expired;
  for (std::size_t i = 0; i < row.points.size(); ++i) all.points[i] += row.points[i];
  clients.push_back(std::move(row));
}

std::string retention_text(const RetentionReport& report) {
  std::string text = fmt::format("{:<36} {:>9} {:>10} {:>9} {:>10}  {}\n", "client", "objects", "holds", "would go", "",
                                 "points that stay, and why");
  for (const RetentionRow& row : report.clients) text += line(row.id, row);
  if (report.clients.size() != 1) text += line(fmt::format("all {}", report.clients.size()), report.all);
  if (report.with_plan) text += plan_text(report.plan);
  return text + "\nNothing was removed: the daemon does that, within an hour or so.\n";
}

std::string retention_json(const RetentionReport& report) {
  Json json{{"at", base::to_rfc3339(report.now)}, {"clients", Json::array()}, {"all", record(report.all)}};
  for (const RetentionRow& row : report.clients) {
    Json one{{"id", row.id}};
    one.update(record(row));
    one["leftAlone"] = row.left_alone.empty() ? Json() : Json(row.left_alone);
    one["lostPins"] = Json::array();
    for (const base::Txid pin : row.lost_pins) one["lostPins"].push_back(base::hex16(pin.value));
    if (report.with_plan) add_plan(one, report.plan);
    json["clients"].push_back(std::move(one));
  }
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace cli
