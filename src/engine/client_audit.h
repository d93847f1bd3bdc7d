// Is the backup of one client as it is recorded? For the command and for the daemon's own audits, beside a daemon that
// goes on: what speaks against the record counts only if a second listing, between two readings of it, says so, too.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>

#include "base/error.h"
#include "engine/bucket_walk.h"
#include "engine/inventory_audit.h"
#include "engine/ledger_view.h"
#include "storage/object_store.h"

namespace engine {

// Points that are recorded and that nothing in the bucket leads to any more.
struct LostRange {
  std::size_t count = 0;
  base::Txid first, last;
};

struct ClientVerdict {
  InventoryDifference difference;
  bool broken = false;   // the newest state cannot be restored
  bool damaged = false;  // because of an object of another size: a listing by names alone does not show it
  LostRange lost_points;

  [[nodiscard]] bool fine() const { return difference.empty() && !broken; }
};

// One thread. `before_listing` is called before each request that it sends, and may wait, or end it by an error.
class ClientAuditor {
 public:
  using Pace = std::function<base::Result<>()>;
  ClientAuditor(storage::ObjectStore& store, RecordedBackups& recorded, Pace before_listing = {});

  // `listed`: what some listing said. Errors: the store's, the state database's, the pace's.
  base::Result<ClientVerdict> look_at(const ClientPrefix& listed, const storage::CallContext& context);
  // One that stored something once and that a listing of the bucket did not show; none: it is there by now.
  base::Result<std::optional<ClientVerdict>> look_for(const base::DatabaseId& id, const storage::CallContext& context);

 private:
  base::Result<ClientPrefix> list(const base::DatabaseId& id, const storage::CallContext& context);
  base::Result<std::optional<RecordedBackup>> record_of(const base::DatabaseId& id);
  base::Result<ClientVerdict> judge(const std::optional<RecordedBackup>& before, const ClientPrefix& listed);

  storage::ObjectStore& store_;
  RecordedBackups& recorded_;
  Pace pace_;
};

}  // namespace engine
