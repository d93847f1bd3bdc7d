// Which files are clients. GUID.db, GUID.sqlite or GUID.sqlite3, the GUID being 8-4-4-4-12 hex digits. Its case is kept
// in keys; two names that differ only in case are one client, and the second is refused.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/types.h"

namespace fleet {

// The id, if `name` (without directories) is a client's database file.
std::optional<base::DatabaseId> parse_client_name(std::string_view name);

// Equal for names that differ only in case.
std::string fold_case(std::string_view id);

enum class FileRole : std::uint8_t { database, log, index, journal };

struct ClientFile {
  std::string_view database_name;  // "GUID.db", a view into the argument
  FileRole role;
};
// Whose file is it? nullopt: nobody's.
std::optional<ClientFile> parse_client_file(std::string_view name);

// What the watcher's thread opens when `created` appears: the other one of a log and its index; empty: nothing.
std::string companion_to_open(std::string_view created);

}  // namespace fleet
