#include "engine/remote_index.h"

#include <algorithm>
#include <utility>

#include "base/random.h"
#include "engine/restore_database.h"
#include "engine/restore_download.h"
#include "ltx/checksum.h"
#include "ltx/merge.h"
#include "ltx/provenance.h"
#include "os/file.h"

namespace engine {

namespace {

// An image is kept for as long as its restore points are, what was read is not.
constexpr std::uint64_t kReadBytesPerImageByte = 2;
constexpr std::uint64_t kAlwaysReadBytes = 1U << 20;  // reading also proves that the backup is whole
constexpr std::size_t kObjectsMax = 500;              // 40 KiB of memory each

// Keeps a checksum of each page instead of the page. Pages come whole and in order.
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
                                            const std::filesystem::path& staging, const storage::CallContext& context) {
  DownloadOptions options;
  options.spool_path = staging / ("index-" + base::random_hex(16));
  options.parallel = 4;
  options.context = context;
  auto files = download(store, plan, options);
  TRY(os::remove_file(options.spool_path));
  if (!files) return base::fail(files.error());

  TRY_ASSIGN(const ltx::Header first, ltx::Decoder(files->source(0)).read_header());
  std::vector<ltx::Source> sources;
  sources.reserve(files->size());
  for (std::size_t i = 0; i < files->size(); ++i) sources.push_back(files->source(i));
  ltx::Merger merger(std::move(sources));
  RemoteIndex index;
  index.page_size = first.page_size;  // of all, or the merger complains
  IndexSink sink(index.page_size, index.checksums);
  TRY_ASSIGN(const WrittenDatabase written, write_database(merger, sink, context));
  index.txid = written.header.max_txid;
  index.database_checksum = written.checksum;
  if (index.txid != plan.back().name.max) {
    return base::fail(base::Category::corrupt, plan.back().key.value + ": holds another TXID than its name says");
  }
  if (const auto who = ltx::provenance(written.header);
      who && who->database_checksum != 0 && who->database_checksum != written.checksum) {
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
