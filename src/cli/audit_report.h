// What an audit of the bucket found, in words for people and for machines. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "engine/inventory_audit.h"

namespace cli {

struct AuditReport {
  struct Prefix {
    std::string id;
    std::size_t objects = 0;
    std::uint64_t bytes = 0;
    base::UnixMillis newest{0};
  };
  struct Different {
    std::string id;
    engine::InventoryDifference difference;
    bool repair_asked = false;
  };
  std::size_t clients = 0, objects = 0;  // in the bucket
  std::uint64_t bytes = 0;
  std::vector<Prefix> unknown;       // that no database here ever had
  std::vector<Prefix> gone;          // whose database is gone
  std::vector<std::string> lost;     // stored once, and nothing there
  std::vector<std::string> broken;   // whose newest state cannot be restored
  std::vector<Different> different;  // from what is recorded
  std::vector<std::string> foreign;  // keys below databases/ that are no backup's; the first kForeignShown
  std::size_t foreign_count = 0;
  static constexpr std::size_t kForeignShown = 1000;

  // Something may be lost, or is not as it is recorded. Others' objects and backups of databases that are gone are not.
  [[nodiscard]] bool is_bad() const { return !lost.empty() || !broken.empty() || !different.empty(); }
};

std::string audit_text(const AuditReport& report);
std::string audit_json(const AuditReport& report);

}  // namespace cli
