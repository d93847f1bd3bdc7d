// What the bucket holds for one database: asked where our state knows nothing, and once a run before the first upload
// that builds on what it knows. One LIST below the prefix, and one ranged GET of a header where one is needed.
// Asynchronous; the answer comes on the store's thread.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/types.h"
#include "engine/inventory.h"
#include "history/restore_plan.h"
#include "ltx/header.h"
#include "ltx/provenance.h"
#include "storage/keys.h"
#include "storage/object_store.h"

namespace engine {

struct BucketPosition {
  base::Txid newest;  // max over all levels; 0: nothing there
  // A plan for the newest state exists, as far as names and the newest object's header tell.
  bool restorable = true;
  std::vector<history::BackupFile> plan;  // if restorable
  std::uint32_t page_size = 0;
  std::uint32_t page_count = 0;
  std::optional<ltx::Provenance> provenance;  // of the newest object, if one of our kind wrote it
  std::vector<history::Object> objects;       // everything that was listed
};

// The store's errors. A newest object that is no LTX file is not restorable: a snapshot has to replace what is there.
void find_bucket_position(storage::ObjectStore& store, const std::string& replica,
                          std::function<void(base::Result<BucketPosition>)> done);

struct BucketAudit {
  base::Txid newest;
  bool restorable = true;
  bool next_is_taken = false;  // an object of level 0 stands at the TXID after `stored`
  // The first object after `stored`, if it is another one: its writer has compacted since.
  std::optional<storage::LtxName> beyond;
  std::optional<ltx::Header> beyond_header;  // none: unreadable
};

// Does the bucket still end where we left it? The store's errors.
void audit_bucket(storage::ObjectStore& store, const std::string& replica, base::Txid stored,
                  std::function<void(base::Result<BucketAudit>)> done);

}  // namespace engine
