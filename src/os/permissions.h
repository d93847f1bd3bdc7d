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

}  // namespace os
