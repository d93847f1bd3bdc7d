// Whose a file is and who may read it.
#pragma once

#include "base/error.h"
#include "os/file.h"

namespace os {

// Creates a file as any program does, 0666 less the umask, readable by us too; conflict if it exists.
base::Result<File> create_new_for_everybody(const fs::path& path);

enum class OwnerTaken : std::uint8_t { yes, no };

// Gives `file` the permission bits, owner and group of `model`. no: owner or group is another, since only root may give
// files away; the bits are taken in any case.
base::Result<OwnerTaken> take_permissions(const File& file, const fs::path& model);

// Root gives `file` the owner and group of `model`, which may be a directory; nobody else changes anything. The
// permission bits stay.
base::Result<> take_owner_as_root(const File& file, const fs::path& model);

// Makes `directory` and those above it that are missing, 0777 less the umask. Root gives each to the owner and group of
// the one above it. One that exists is left as it is. Works on descriptors from the deepest one that exists: whoever
// may write there and puts a symbolic link where a directory was made gets nothing elsewhere. not_found: such a link,
// or another file, is in the way; denied, io.
base::Result<> make_directories_as_above(const fs::path& directory);

}  // namespace os
