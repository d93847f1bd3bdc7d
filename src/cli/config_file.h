// A configuration file as it stands: TOML text to names, values and places. What the names mean is for config.h's
// settings (config_check.h). toml++ is behind this header and nowhere else. Decision 0012.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace cli {

struct Place {
  std::uint32_t line = 0, column = 0;  // from 1
  friend bool operator==(const Place&, const Place&) = default;
};

enum class FileValueKind : std::uint8_t { text, number, decimal, boolean, list_of_texts, other };

struct FileValue {
  std::string name;  // a dotted key or a key of a table below is one name: "retention.hourly"
  FileValueKind kind = FileValueKind::other;
  std::vector<std::string> texts;  // one, or the entries of a list; none for `other`
  Place place;
};

struct FileTable {
  Place place;
  std::vector<FileValue> values;  // in the order of the file
};

struct FileMistake {
  Place place;
  std::string text;
};

struct FileContent {
  FileTable top;
  std::vector<FileTable> clients;     // [[client]]
  std::vector<FileMistake> mistakes;  // of syntax; then what else is here may be incomplete
};

// Never fails and never echoes a value: one that looks misplaced may be a secret. Goes on behind a line that it cannot
// read, as long as that says something new, so that all mistakes are known at once.
FileContent parse_config_text(std::string_view text);

// Such a name holds a secret, which has no place in a configuration.
bool names_a_secret(std::string_view name);

}  // namespace cli
