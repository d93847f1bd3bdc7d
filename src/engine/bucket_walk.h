// Everything below "databases/", in one flat listing: client after client, and what belongs to none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "base/error.h"
#include "base/types.h"
#include "history/restore_plan.h"
#include "storage/object_store.h"

namespace engine {

// What stands below "databases/{GUID}/".
struct ClientPrefix {
  base::DatabaseId id;
  std::vector<history::BackupFile> files;        // LTX; created_at is when the store had the object
  std::vector<storage::ObjectInfo> generations;  // of Litestream 0.3
  std::vector<storage::ObjectInfo> foreign;      // neither

  [[nodiscard]] std::size_t objects() const { return files.size() + generations.size() + foreign.size(); }
  [[nodiscard]] std::uint64_t size_bytes() const;
};

struct BucketVisitor {
  // Once for each client, in the order of their keys. An error ends the walk.
  std::function<base::Result<>(ClientPrefix&)> client;
  // What is below no client's prefix, and no pin.
  std::function<void(const storage::ObjectInfo&)> foreign = [](const storage::ObjectInfo&) {};
  // Before each page but the first: the last key that the functions above were told of, empty if none. A walk that
  // ends may begin again after it. An error ends the walk.
  std::function<base::Result<>(const std::string& told)> next_page = [](const std::string&) {
    return base::Result<>();
  };
};

// Blocks; a LIST for each 1,000 objects, and the memory of one client's. The store's errors, or the visitor's.
base::Result<> walk_bucket(storage::ObjectStore& store, const storage::CallContext& context,
                           const BucketVisitor& visitor, std::string start_after = {});
// One client's; without objects if it has none. `next_page` as above.
base::Result<ClientPrefix> list_client(
    storage::ObjectStore& store, const base::DatabaseId& id, const storage::CallContext& context,
    const std::function<base::Result<>()>& next_page = [] { return base::Result<>(); });

}  // namespace engine
