// Whose backups a bucket holds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/types.h"
#include "storage/object_store.h"

namespace engine {

struct BackedUpClient {
  base::DatabaseId id;
  // Of the objects that were listed: all of them, or the first thousand or more.
  std::uint64_t size_bytes = 0;
  std::size_t objects = 0;
  base::UnixMillis newest{0};  // when one of them was stored last
};

// Every GUID below "databases/" that has at least one object, in the order of their keys. Blocks; a LIST for each 1,000
// objects, and where one client fills a whole answer its rest is passed over. The store's errors.
base::Result<std::vector<BackedUpClient>> list_backed_up_clients(storage::ObjectStore& store,
                                                                 const storage::CallContext& context);

// 8-4-4-4-12 hexadecimal digits, either case.
bool is_client_id(std::string_view text);

}  // namespace engine
