// Which databases are to be brought back at a start: the bucket has a backup of them, and they are not here. Pure, but
// for the questions that it asks of the disk.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/types.h"
#include "engine/backup_clients.h"
#include "engine/ledger.h"

namespace engine {

struct MissingClient {
  base::DatabaseId id;
  std::filesystem::path output;  // where it belongs
  std::uint64_t size_bytes = 0;  // of its backup, about
  // What this state directory knows of it; none: nothing, so whoever wrote its backup was somebody else.
  std::optional<ClientRecord> record;
};

struct MissingClients {
  std::vector<MissingClient> missing;            // the smallest first
  std::vector<base::DatabaseId> taken_away;      // their removal was seen: they stay away (decision 0018)
  std::vector<base::DatabaseId> differ_by_case;  // another spelling of one that is here or missing
};

// `known` is everything that the state directory knows, after the watched directories (resolved; the first of them gets
// what has no place) were looked through; `exists` asks for a file. A client goes back to where it was last, if that is
// below a watched directory.
MissingClients find_missing(std::vector<BackedUpClient> in_bucket, std::vector<ClientRecord> known,
                            std::span<const std::string> watch_dirs,
                            const std::function<bool(const std::filesystem::path&)>& exists);

}  // namespace engine
