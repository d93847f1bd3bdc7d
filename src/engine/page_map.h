// Where each page of one state of a database stands among the objects of its backup: what has to be known to read a
// page without restoring.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "engine/page_shelf.h"
#include "engine/state_reader.h"
#include "history/restore_plan.h"
#include "storage/object_store.h"

namespace engine {

// The frame of a page: `size` bytes from `offset` of an object of the plan.
struct PagePlace {
  std::uint64_t offset = 0;
  std::uint32_t size = 0;  // 0: the lock page, which is nowhere
  std::uint32_t object = 0;
};

struct PageMap {
  StateIdentity state;
  std::vector<PagePlace> places;         // [0] is page 1
  std::vector<std::uint64_t> checksums;  // of each object's file, as its trailer says; 0: nothing was needed of it

  [[nodiscard]] const PagePlace& of(std::uint32_t page) const { return places[page - 1]; }
};

struct PageMapOptions {
  unsigned parallel = 16;
  PageShelf* shelf = nullptr;  // where page indexes may be known already, and are left
  // Hears of the pages that came along: objects up to 64 KiB are read whole, which proves them by their file checksum.
  std::function<void(std::uint32_t page, base::ByteView data)> on_page;
  storage::CallContext context = {};
};

// Reads the page index of every object of `plan`, newest first; each claims the pages that nobody newer has. Blocks;
// one GET an object, two or more where an index is longer than was guessed, side by side. Memory: 16 bytes a page, and
// the entries of one index (24 bytes each) at a time.
//   corrupt    an object breaks its format or is not the one that its name says, or a page is nowhere
//   not_found  an object went away, or the state is a deleted database
// After a failure for which one object is to blame, `at_fault` is its index.
base::Result<PageMap> map_pages(storage::ObjectStore& store, const std::vector<history::BackupFile>& plan,
                                const PageMapOptions& options, std::optional<std::size_t>& at_fault);

}  // namespace engine
