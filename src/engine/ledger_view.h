// What a state database says, read beside the daemon that owns it: for commands. Changes nothing.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/types.h"
#include "engine/lineage.h"

namespace engine {

struct KnownClient {
  base::DatabaseId id;
  std::string path;
  base::Txid txid;       // last acknowledged
  base::Txid attempted;  // above txid: an upload is under way, was refused, or its answer is not known
  std::optional<base::UnixMillis> last_replicated;
};

struct LedgerView {
  std::vector<KnownClient> clients;          // by id
  Lineages lineages;                         // all of them are earlier ones
  std::map<std::string, std::string> facts;  // "bucket", and what Ledger::remember() was told
};

// One consistent reading. Blocks for milliseconds; 200 bytes a client. not_found: no daemon has used this directory;
// denied, io, corrupt: names the file.
base::Result<LedgerView> read_ledger(const std::filesystem::path& file);

}  // namespace engine
