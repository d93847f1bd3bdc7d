#include "fleet/registry.h"

#include <utility>

#include "base/check.h"
#include "fleet/client_name.h"

namespace fleet {

Entry* Registry::find_by_path(const std::string& path) const {
  const auto it = by_path_.find(path);
  return it == by_path_.end() ? nullptr : it->second;
}

Entry* Registry::find_by_id(std::string_view id) const {
  const auto it = by_id_.find(fold_case(id));
  return it == by_id_.end() ? nullptr : it->second.get();
}

Entry& Registry::add(Entry entry) {
  auto owned = std::make_unique<Entry>(std::move(entry));
  Entry& added = *owned;
  CHECK(by_path_.emplace(added.path, &added).second);
  CHECK(by_id_.emplace(fold_case(added.id.value), std::move(owned)).second);
  return added;
}

void Registry::move(Entry& entry, const std::string& path) {
  by_path_.erase(entry.path);
  entry.path = path;
  by_path_[path] = &entry;
}

}  // namespace fleet
