// Is anybody using a database? Asked only where the answer decides something.
#pragma once

#include <filesystem>

#include "os/closer.h"

namespace engine {

// True if it is proven that no process has the database, its log or its index open for writing or locked: read leases
// were granted on all three (and given back at once), no lock is seen on any of them, and the file system is local.
// Whatever cannot be asked counts as attached. REQUIRES: no event for a second (a stopped holder of a lease would make
// an opener wait). The answer is old at once: what follows must be safe for somebody who has just come.
bool nobody_attached(const std::filesystem::path& database, os::FileCloser& closer);

}  // namespace engine
