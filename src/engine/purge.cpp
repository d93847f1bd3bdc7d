#include "engine/purge.h"

#include <string>
#include <unordered_set>
#include <vector>

#include <fmt/format.h>

#include "storage/keys.h"

namespace engine {
namespace {

constexpr int kTries = 3;

}  // namespace

base::Result<std::size_t> purge_objects(storage::ObjectStore& store, const base::DatabaseId& id,
                                        const std::function<void()>& pause, const storage::CallContext& context) {
  const std::string prefix = storage::replica_path(id) + "/";
  std::unordered_set<std::string> asked;
  for (int round = 0;; ++round) {
    TRY_ASSIGN(const auto objects, storage::list_all_and_wait(store, prefix, context));
    if (objects.empty()) return asked.size();
    std::vector<base::ObjectKey> keys;
    for (const storage::ObjectInfo& object : objects) {
      if (round == 0) asked.insert(object.key.value);
      if (!asked.contains(object.key.value)) {
        return base::fail(base::Category::conflict,
                          fmt::format("{} came while the backup was removed: somebody writes to it. What is left is no "
                                      "backup; stop that writer and repeat, or restart it: it will notice and store "
                                      "the whole database",
                                      object.key.value));
      }
      keys.push_back(object.key);
    }
    if (round == kTries) {
      return base::fail(base::Category::io,
                        fmt::format("the store confirmed the deletion of {} objects and still has them, such as {}: "
                                    "does the bucket have object lock, or a policy against deletions?",
                                    keys.size(), keys.front().value));
    }
    if (round > 0) pause();
    TRY_ASSIGN(const auto failures, storage::remove_and_wait(store, std::move(keys), context));
    for (const storage::RemoveFailure& failure : failures) {
      if (round + 1 < kTries && failure.error.category != base::Category::denied) continue;
      return base::fail(failure.error.with_context(failure.key.value));
    }
  }
}

}  // namespace engine
