#include "engine/remote_index.h"

#include <algorithm>
#include <optional>

#include "engine/page_assembly.h"
#include "engine/restore_pages.h"
#include "engine/restore_survey.h"
#include "ltx/checksum.h"
#include "ltx/provenance.h"

namespace engine {

namespace {

// An image is kept for as long as its restore points are, what was read is not.
constexpr std::uint64_t kReadBytesPerImageByte = 2;
constexpr std::uint64_t kAlwaysReadBytes = 1U << 20;  // reading also proves that the backup is whole
constexpr std::size_t kObjectsMax = 500;              // 40 KiB of memory each

// Keeps a checksum of each page instead of the page. Pages come whole, in any order.
class IndexSink final : public DatabaseSink {
 public:
  IndexSink(std::uint32_t page_size, std::vector<std::uint64_t>& checksums)
      : page_size_(page_size), checksums_(checksums) {}
  base::Result<> write_at(std::uint64_t offset, base::ByteView bytes) override {
    for (std::size_t at = 0; at < bytes.size(); at += page_size_) {
      const auto number = static_cast<std::uint32_t>((offset + at) / page_size_ + 1);
      checksums_.resize(std::max<std::size_t>(checksums_.size(), number));
      checksums_[number - 1] = ltx::page_checksum(number, bytes.subspan(at, page_size_));
    }
    return {};
  }
  base::Result<> set_size(std::uint64_t size_bytes) override {
    checksums_.resize(size_bytes / page_size_);
    return {};
  }

 private:
  std::uint32_t page_size_;
  std::vector<std::uint64_t>& checksums_;
};

}  // namespace

base::Result<RemoteIndex> read_remote_index(storage::ObjectStore& store, const std::vector<history::BackupFile>& plan,
                                            const storage::CallContext& context) {
  constexpr unsigned kParallel = 4;
  std::optional<std::size_t> at_fault;  // the error names it
  TRY_ASSIGN(const Survey found,
             survey(store, plan, {.parallel = kParallel, .everything = true, .context = context}, at_fault));
  RemoteIndex index;
  index.page_size = found.newest.page_size;
  IndexSink sink(index.page_size, index.checksums);
  PageAssembly pages(sink, index.page_size, found.newest.commit);
  const ReadOptions options{.parallel = kParallel, .on_progress = {}, .on_part = {}, .context = context};
  TRY(read_pages(store, plan, found, pages, options, at_fault));
  TRY(pages.finish());
  index.txid = found.newest.max_txid;
  index.database_checksum = pages.checksum();
  if (const auto who = ltx::provenance(found.newest);
      who && who->database_checksum != 0 && who->database_checksum != index.database_checksum) {
    return base::fail(base::Category::corrupt, plan.back().key.value + ": its pages are not those that it states");
  }
  return index;
}

bool worth_reading(std::uint64_t image_bytes, const std::vector<history::BackupFile>& plan) {
  std::uint64_t bytes = 0;
  for (const history::BackupFile& file : plan) bytes += file.size_bytes;
  return !plan.empty() && plan.size() <= kObjectsMax &&
         bytes <= std::max(kAlwaysReadBytes, image_bytes * kReadBytesPerImageByte);
}

}  // namespace engine
