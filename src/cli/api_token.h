// The word that lets somebody start and fetch things over the API: a file in the state directory, so that whoever may
// read what the daemon keeps there may also ask it to do something, and nobody else.
#pragma once

#include <filesystem>

#include "base/error.h"
#include "base/secret.h"

namespace cli {

inline constexpr const char* kApiTokenFile = "api-token";

// The token in `file`: 64 hexadecimal digits (256 random bits) and a line break. Made, with mode 0600, where there is
// none; made anew, which the log tells, where others could read or write the file or it holds something else.
// denied, io: the file cannot be read or made.
base::Result<base::Secret> load_api_token(const std::filesystem::path& file);

}  // namespace cli
