// A configuration file that says everything there is to say, made from the declarations in settings.h.
#pragma once

#include <string>

namespace cli {

// TOML: each setting with its meaning, type, range and default. What has no default is commented out, so that the file
// as it stands changes nothing; switches are, too.
std::string sample_config();

}  // namespace cli
