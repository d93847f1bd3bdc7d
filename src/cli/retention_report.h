// What retention would remove and what it keeps, in words for people and for machines. Pure.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/types.h"
#include "engine/retention_preview.h"
#include "history/retention.h"

namespace cli {

struct RetentionRow {
  std::string id;  // empty: the sum
  std::size_t objects = 0, removed = 0, expired = 0;
  std::uint64_t bytes = 0, removed_bytes = 0;
  std::array<std::size_t, history::kKeepReasons.size()> points{};  // kept, by reason; one may have several
  std::string left_alone;                                          // why nothing of it is removed; empty: it is not
  std::vector<base::Txid> lost_pins;
};

RetentionRow retention_row(const engine::ClientPrefix& client, const engine::RetentionPreview& preview,
                           std::string left_alone);

struct RetentionReport {
  base::UnixMillis now{0};
  std::vector<RetentionRow> clients;  // by id
  RetentionRow all;
  // With one client: the whole plan.
  bool with_plan = false;
  history::RetentionPlan plan;

  void add(RetentionRow row);
};

std::string retention_text(const RetentionReport& report);
// {"at", "clients": [{"id", "objects", "bytes", "remove": {...}, "keep": {...}}], "all": {...}}, and of one client
// "kept" and "removals".
std::string retention_json(const RetentionReport& report);

}  // namespace cli
