// A configuration file against the settings that there are: everything in it is known, of the right type and in range
// afterwards, or every mistake is named at once, with its place and how to mend it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "cli/config_file.h"

namespace cli {

// One key of the file. `texts` are what Setting::assign takes (a list: what Setting::add takes, one by one).
struct ConfigValue {
  std::string name;
  std::vector<std::string> texts;
  Place place;
  friend bool operator==(const ConfigValue&, const ConfigValue&) = default;
};

// [[client]]: what holds for the clients that `match` (client_match.h).
struct ClientBlock {
  std::string match;
  std::string origin;  // "FILE:LINE:COLUMN"
  std::vector<ConfigValue> values;
  friend bool operator==(const ClientBlock&, const ClientBlock&) = default;
};

struct ConfigFile {
  std::string path;
  std::vector<ConfigValue> values;
  std::vector<ClientBlock> clients;
  std::vector<std::string> mistakes;  // "FILE:LINE:COLUMN: what is wrong and how to mend it", in the order of the file
};

// "FILE:LINE:COLUMN".
std::string to_string(const std::string& file, const Place& place);

// What has a mistake is left out of the values. No value of a name that may hold a secret is repeated in a message.
ConfigFile check_config(std::string_view text, const std::string& path);

}  // namespace cli
