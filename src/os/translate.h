// What the operating system's numbers mean to us: the one place where errno becomes a category and a file system's
// magic number becomes a kind. Only for the .cpp files of this module; no errno crosses its edge.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/error.h"
#include "os/file.h"

namespace os {

base::Category category_of_errno(int number);

// "open /srv/a.db: Permission denied", with a hint where there is one (a symbolic link, a full disk, too many files).
base::Error error_of_errno(int number, std::string_view operation, const fs::path& subject);

// Magic numbers as statfs reports them. Unknown ones count as local: they are disks of a kind that we have not met.
FileSystemKind kind_of_magic(std::uint32_t magic);

}  // namespace os
