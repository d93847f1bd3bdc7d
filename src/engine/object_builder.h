// Turns a page set into one LTX object on top of the acknowledged state, with the acknowledgement that will follow it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/error.h"
#include "engine/ledger.h"
#include "engine/page_set.h"
#include "os/closer.h"
#include "storage/object_store.h"

namespace engine {

struct BuildInput {
  const ClientRecord* acknowledged;  // what the bucket holds now
  const PageSet* pages;
  std::uint32_t page_size = 0;
  std::uint32_t page_count = 0;  // database size after this object
  bool full_image = false;       // `pages` are all pages: the index is made anew
  bool chain_broken = false;     // what the bucket has cannot be restored: a snapshot is needed, not one more step
  // Even if nothing differs: an earlier attempt at this TXID has to be settled.
  bool must_store = false;
  Position position;
  Fingerprint fingerprint;
  base::UnixMillis now{0};
  std::uint64_t lineage = 0;
  os::FileCloser* closer = nullptr;
  std::filesystem::path database;           // for pages that a growing database never wrote
  std::filesystem::path staging_directory;  // objects above kMemoryObjectBytes
};

inline constexpr std::uint64_t kMemoryObjectBytes = 32ULL << 20;

// An object ready to be uploaded; its bytes never change from here on.
struct BuiltObject {
  base::Txid min, max;
  base::Level level;
  std::shared_ptr<const storage::Body> body;
  base::UnixMillis timestamp{0};
  bool in_memory = true;  // else in an unlinked file in the staging directory
  Acknowledgement acknowledgement;
};

// nullopt: nothing differs from what is stored. invalid: the set is not complete (pages missing in an image or in grown
// space that is also not in the file); the caller makes a new base. io: ledger, staging or spool failed.
base::Result<std::optional<BuiltObject>> build_object(const BuildInput& input, Ledger& ledger);

}  // namespace engine
