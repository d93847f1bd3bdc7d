// Backups of Litestream 0.3, as far as names and times tell: which objects there are and which make a restore. Pure.
// The rules are those of Litestream 0.5 when it restores such a backup (docs/formats/litestream-v3.md).
//
//   {replica}/generations/{16 hex}/snapshots/{8 hex index}.snapshot.lz4
//   {replica}/generations/{16 hex}/wal/{8 hex index}_{8 to 16 hex offset}.wal.lz4
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/types.h"
#include "history/restore_plan.h"

namespace history {

struct GenerationObject {
  std::string generation;
  bool is_snapshot = false;
  std::uint32_t index = 0;   // of the WAL file
  std::uint64_t offset = 0;  // in that WAL file, uncompressed; of a snapshot 0
  base::ObjectKey key;
  std::uint64_t size_bytes = 0;
  base::UnixMillis created_at{0};
};

// nullopt for anything else: foreign objects are passed over, as Litestream does. Sets what the key says.
std::optional<GenerationObject> parse_generation_key(std::string_view replica, std::string_view key);

// A snapshot and the segments to replay on it, in order. `at`: from objects created at or before it.
//   not_found  no snapshot (so old)
//   corrupt    segments are missing in the middle: the key of the one behind the hole is named
struct GenerationPlan {
  GenerationObject snapshot;
  std::vector<GenerationObject> segments;
};
base::Result<GenerationPlan> plan_generation(std::vector<GenerationObject> objects, std::optional<base::UnixMillis> at);

// Does the older format hold the better backup? By Litestream's rule: for the newest state the one with the newer
// object; for a time the one with the newer snapshot before it. Never for a TXID.
bool prefer_generation(const std::vector<GenerationObject>& older, const std::vector<BackupFile>& files,
                       const RestoreTarget& target);

}  // namespace history
