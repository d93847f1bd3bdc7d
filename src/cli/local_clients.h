// What this host knows of a client, for commands that judge the bucket: its file below the watched directories, and its
// row in the state database. Reads only; needs no daemon and disturbs none.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "base/error.h"
#include "base/types.h"
#include "cli/config.h"
#include "engine/ledger_view.h"

namespace cli {

struct LocalClient {
  base::DatabaseId id;    // as it is spelled here
  std::string path;       // of the file, or where it was last
  bool present = false;   // the file is there, or nobody can tell
  std::string doubt;      // why nobody can tell; else empty
  std::string below;      // the path below its watched directory, for [[client]] blocks; else the path
  bool watched = false;   // it is, or was, below a watched directory
  bool recorded = false;  // the state database knows it
  base::Txid stored;      // LedgerView::last_attempt()
};

struct LocalClients {
  // By id in lower case, then as it is spelled: two that differ in case are two backups.
  std::map<std::pair<std::string, std::string>, LocalClient> clients;
  bool looked = false;                       // false: neither directories nor state were named
  std::map<std::string, std::size_t> files;  // client files found, by watched directory
  std::optional<engine::LedgerView> ledger;  // none: no state directory

  // The exact spelling; without one, any that differs in case.
  [[nodiscard]] const LocalClient* find(const base::DatabaseId& id) const;
  // One whose file is there (or nobody can tell), whatever the case of its id.
  [[nodiscard]] const LocalClient* find_present(const base::DatabaseId& id) const;
};

// Blocks for a walk through the watched directories. Errors: a watched directory that cannot be read, whole (io,
// denied, not_found); read_ledger()'s; invalid: the state belongs to another bucket than `bucket_url`.
base::Result<LocalClients> find_local_clients(const KeepingOptions& options, const std::string& bucket_url);

}  // namespace cli
