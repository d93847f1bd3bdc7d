// What a database file says of itself, for the judge: everything is computed from the file alone.
#pragma once

#include <string>

namespace oracle {

// One line of JSON: number, hash, previous, problems (texts; empty if all is well), digest of all bytes, bytes. A
// database without a table has number -1. The file must not be open elsewhere.
std::string examine(const std::string& path);

}  // namespace oracle
