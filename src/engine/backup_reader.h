// One state of a database, read out of its backup page by page as somebody asks for it: queries without a restore.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "engine/page_cache.h"
#include "engine/page_map.h"
#include "engine/page_shelf.h"
#include "engine/read_ahead.h"
#include "engine/sibling_ahead.h"
#include "history/restore_plan.h"
#include "sqlite/remote_file.h"
#include "storage/object_store.h"

namespace engine {

struct BackupReadOptions {
  history::RestoreTarget target = {};  // neither: the newest state
  unsigned parallel = 16;              // requests under way
  std::uint64_t cache_bytes = 256U << 20;
  PageShelf* shelf = nullptr;  // what outlives the process; none: nothing does
  storage::CallContext context = {};
};

struct BackupReadCounts {
  std::uint64_t pages_read = 0;   // by SQLite, which keeps some itself
  std::uint64_t from_memory = 0;  // of them
  std::uint64_t from_shelf = 0;   // of them
  std::uint64_t fetches = 0;      // of a window of pages: what is waited for one after the other
  std::uint64_t pages_fetched = 0;
  std::uint64_t fetched_again = 0;  // of them: the cache had let go of it
  std::uint64_t plans = 0;
};

// One thread. Memory: cache_bytes (a quarter more while another plan is made), 16 bytes a page, and what is under way
// (20 MiB at most).
//
// What is proven: an object of up to 64 KiB by its file checksum; of a larger one, that its index tiles it, that a page
// stands where the index says, is this page, and unpacks to its exact size. Not, that it is unchanged: LTX has no
// checksum of a page, and reading the object whole is what a query saves (decision 0019). Whose word counts is
// restore's and verify's.
class BackupReader final : public sqlite::RemoteFile {
 public:
  // Lists, plans and reads the page indexes. `store` must outlive the reader. Blocks: for a LIST per 1,000 objects,
  // then as map_pages(). An object that went away or is damaged means another plan for the same state, here and in
  // read_at().
  //   not_found    no backup at `replica`, no such TXID or time, or a deleted database
  //   corrupt      an object breaks the format and none does instead of it
  //   unsupported  a backup of Litestream 0.3, which has no page indexes
  //   cancelled, and the store's own
  static base::Result<std::unique_ptr<BackupReader>> open(storage::ObjectStore& store, std::string_view replica,
                                                          const BackupReadOptions& options);

  [[nodiscard]] std::uint64_t size_bytes() const override;
  // Errors: those of open(). not_found: the state is not in the bucket any more (retention).
  base::Result<> read_at(std::uint64_t offset, base::MutableByteView out) override;

  [[nodiscard]] const StateIdentity& state() const { return map_.state; }
  [[nodiscard]] std::size_t objects() const { return plan_.size(); }
  [[nodiscard]] const BackupReadCounts& counts() const { return counts_; }
  // What is wrong about objects that were done without.
  [[nodiscard]] const std::vector<std::string>& damaged() const { return damage_; }

 private:
  BackupReader(storage::ObjectStore& store, std::string_view replica, BackupReadOptions options);
  base::Result<> choose(const history::RestoreTarget& target);
  base::Result<> map();
  base::Result<> plan_again(const base::Error& error);
  base::Result<base::ByteView> page(std::uint32_t number);
  bool take_from_shelf(std::uint32_t number);
  base::Result<> fetch(std::uint32_t number);
  struct ObjectRanges;
  [[nodiscard]] std::vector<ObjectRanges> ranges_around(std::uint32_t number, const std::vector<std::uint32_t>& pages,
                                                        bool only_beside) const;
  base::Result<> fetch_ranges(const std::vector<ObjectRanges>& wanted);
  base::Result<> take_frames(const ObjectRanges& object, const ByteRange& range, base::ByteView bytes);

  storage::ObjectStore& store_;
  std::string replica_;
  BackupReadOptions options_;
  std::vector<history::BackupFile> plan_;       // whose objects map_ speaks of
  std::vector<history::BackupFile> next_plan_;  // chosen, and not mapped yet
  base::Txid txid_;                             // of the plan that was chosen last
  std::set<std::string> without_;               // keys of damaged objects
  std::vector<std::string> damage_;
  std::optional<std::string> at_fault_;  // key of the object that the last failure is about
  PageMap map_;
  PageCache cache_;
  std::optional<ReadAhead> read_ahead_;
  std::optional<SiblingAhead> sibling_ahead_;
  std::optional<PageBits> fetched_;
  base::Bytes lock_page_;
  BackupReadCounts counts_;
};

}  // namespace engine
