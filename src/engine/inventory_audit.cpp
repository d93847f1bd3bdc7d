#include "engine/inventory_audit.h"

#include <map>
#include <tuple>

#include "base/check.h"

namespace engine {
namespace {

using Name = std::tuple<std::uint8_t, std::uint64_t, std::uint64_t>;
using Sizes = std::map<Name, std::uint64_t>;

Name key_of(const storage::LtxName& name) {
  return {name.level.value, name.max.value, name.min.value};
}

storage::LtxName name_of(const Name& key) {
  return {base::Level{std::get<0>(key)}, base::Txid{std::get<2>(key)}, base::Txid{std::get<1>(key)}};
}

Sizes present(const RecordedBackup& recorded) {
  CHECK(recorded.objects.has_value());
  Sizes sizes;
  for (const history::Object& object : *recorded.objects) {
    sizes.emplace(key_of(history::name_of(object)), object.size_bytes);
  }
  return sizes;
}

// With what is being written or deleted: it may be there or not.
Sizes in_any_state(const RecordedBackup& recorded) {
  Sizes sizes = present(recorded);
  for (const storage::LtxName& name : recorded.unsettled) sizes.emplace(key_of(name), 0);
  return sizes;
}

// Stored, and its answer not yet recorded.
bool is_under_way(const storage::LtxName& name, const KnownClient& client) {
  return name.level.value == 0 && name.max > client.txid && name.max <= client.attempted;
}

}  // namespace

InventoryDifference compare_inventory(const RecordedBackup& before, const RecordedBackup& after,
                                      std::span<const history::BackupFile> listed) {
  Sizes there;
  for (const history::BackupFile& file : listed) there.emplace(key_of(file.name), file.size_bytes);
  InventoryDifference difference;
  const Sizes present_before = present(before);
  for (const auto& [key, size] : present(after)) {
    const auto recorded = present_before.find(key);
    if (recorded == present_before.end() || recorded->second != size) continue;
    const auto found = there.find(key);
    if (found == there.end()) {
      difference.missing.push_back(name_of(key));
    } else if (found->second != size) {
      difference.resized.push_back(name_of(key));
    }
  }
  const Sizes known_before = in_any_state(before);
  const Sizes known_after = in_any_state(after);
  for (const auto& [key, size] : there) {
    if (is_under_way(name_of(key), after.client)) continue;
    if (!known_before.contains(key) && !known_after.contains(key)) difference.unknown.push_back(name_of(key));
  }
  return difference;
}

}  // namespace engine
