#include "engine/page_set.h"

#include <algorithm>

#include "base/check.h"
#include "base/random.h"
#include "ltx/encoder.h"

namespace engine {

namespace {
constexpr std::uint64_t kSpoolGarbageBytes = 64ULL << 20;
}

base::Result<> PageSet::put(std::uint32_t page_number, base::ByteView page, std::uint64_t checksum) {
  if (const auto it = pages_.find(page_number); it != pages_.end() && it->second.checksum == checksum) {
    it->second.pass = pass_;
    return {};
  }
  ltx::compress_page(page, scratch_);
  if (!spool_.is_open() && memory_.size() + scratch_.size() > memory_limit_) {
    TRY(drop_garbage());
    if (memory_.size() + scratch_.size() > memory_limit_) TRY(spill());
  }
  if (spool_.is_open() && end_ > kSpoolGarbageBytes && end_ > 2 * payload_) TRY(repack_spool());
  const std::uint64_t offset = end_;
  if (spool_.is_open()) {
    TRY(spool_.write_at(offset, scratch_));
  } else {
    memory_.insert(memory_.end(), scratch_.begin(), scratch_.end());
  }
  end_ += scratch_.size();
  Entry& entry = pages_[page_number];
  payload_ += scratch_.size() - entry.size;
  entry = {checksum, offset, static_cast<std::uint32_t>(scratch_.size()), pass_};
  highest_ = std::max(highest_, page_number);
  return {};
}

void PageSet::truncate(std::uint32_t page_count) {
  if (highest_ <= page_count) return;
  std::erase_if(pages_, [&](const auto& item) {
    if (item.first <= page_count) return false;
    payload_ -= item.second.size;
    return true;
  });
  highest_ = page_count;
}

void PageSet::clear() {
  // swap, not clear(): a large set must give its memory back.
  std::unordered_map<std::uint32_t, Entry>().swap(pages_);
  base::Bytes().swap(memory_);
  base::Bytes().swap(scratch_);
  spool_ = os::File();
  end_ = 0;
  payload_ = 0;
  highest_ = 0;
}

std::uint64_t PageSet::memory_bytes() const {
  return memory_.capacity() + scratch_.capacity() + pages_.size() * 56;
}

std::vector<PageSet::Page> PageSet::pages() const {
  std::vector<Page> sorted;
  sorted.reserve(pages_.size());
  for (const auto& [number, entry] : pages_) sorted.push_back({number, entry.checksum});
  std::ranges::sort(sorted, {}, &Page::number);
  return sorted;
}

base::Result<> PageSet::read_block(std::uint32_t page_number, base::Bytes& out) const {
  const auto it = pages_.find(page_number);
  CHECK(it != pages_.end());
  const Entry& entry = it->second;
  out.resize(entry.size);
  if (!spool_.is_open()) {
    std::copy_n(memory_.begin() + static_cast<std::ptrdiff_t>(entry.offset), entry.size, out.begin());
    return {};
  }
  TRY_ASSIGN(const std::size_t got, spool_.read_at(entry.offset, out));
  if (got != entry.size) return base::fail(base::Category::io, "spool file in the state directory is cut short");
  return {};
}

base::Result<os::File> PageSet::new_spool() const {
  const auto path = std::filesystem::path(spool_directory_) / ("spool-" + base::random_hex(16));
  TRY_ASSIGN(os::File file, os::File::create_new(path));
  TRY(os::remove_file(path));
  return file;
}

// Pages that are written again and again while the store is away must not fill the disk.
base::Result<> PageSet::repack_spool() {
  TRY_ASSIGN(os::File packed, new_spool());
  std::uint64_t at = 0;
  base::Bytes block;
  for (auto& [number, entry] : pages_) {
    TRY(read_block(number, block));
    TRY(packed.write_at(at, block));
    entry.offset = at;
    at += block.size();
  }
  spool_ = std::move(packed);
  end_ = at;
  return {};
}

base::Result<> PageSet::spill() {
  TRY_ASSIGN(os::File spool, new_spool());
  TRY(spool.write_at(0, memory_));
  spool_ = std::move(spool);  // only now: until here everything is in memory still
  end_ = memory_.size();
  base::Bytes().swap(memory_);
  return {};
}

// Re-packs the blocks in memory: pages written again and again leave their older blocks behind.
base::Result<> PageSet::drop_garbage() {
  if (payload_ > memory_.size() / 2) return {};
  base::Bytes packed;
  packed.reserve(memory_.size() / 2);
  for (auto& [number, entry] : pages_) {
    const auto begin = memory_.begin() + static_cast<std::ptrdiff_t>(entry.offset);
    entry.offset = packed.size();
    packed.insert(packed.end(), begin, begin + entry.size);
  }
  memory_.swap(packed);
  end_ = memory_.size();
  return {};
}

}  // namespace engine
