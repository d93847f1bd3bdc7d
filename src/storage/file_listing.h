// Lists a directory tree in the order of its keys.
#pragma once

#include <filesystem>
#include <functional>

#include "base/error.h"
#include "storage/object_store.h"

namespace storage {

// One page of the regular files below `root`, ascending by key bytes, as ListRequest asks. Directories that cannot hold
// a wanted key are not read. A root that does not exist is empty; files that vanish meanwhile are left out. `go_on` is
// asked before each directory and its error ends the listing.
base::Result<ListPage> list_tree(const std::filesystem::path& root, const ListRequest& request,
                                 const std::function<base::Result<>()>& go_on);

}  // namespace storage
