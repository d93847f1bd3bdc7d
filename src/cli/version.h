// What this binary is made of.
#pragma once

#include <string>

namespace cli {

std::string version();       // "0.1.0"
std::string version_text();  // several lines: version with commit, then the libraries as they are at run time

}  // namespace cli
