#include "history.h"

#include <algorithm>

#include <fmt/format.h>

#include "ltx/checksum.h"
#include "ltx/decoder.h"
#include "ltx/provenance.h"
#include "wal/index.h"

namespace simulation {

void History::append(const CommittedState& state) {
  if (!fresh_ && !states_.empty() && states_.back() == state) return;
  fresh_ = false;
  states_.push_back(state);
  World& world = World::current();
  world.hash(state.checksum);
  if (world.records_lines()) {
    world.note(fmt::format("committed: {} state {} ({} pages, {:016x})", database_.substr(database_.rfind('/') + 1),
                           states_.size() - 1, state.page_count, state.checksum));
  }
}

void History::observe(Disk& disk) {
  // Most calls change nothing that is published: the index header says so.
  const InodePtr shm = disk.find(database_ + "-shm");
  base::Bytes header(wal::kIndexHeaderBytes - 40);
  header.resize(shm == nullptr ? 0 : shm->read(0, header));
  const InodePtr journal = disk.find(database_ + "-journal");
  if (shm != nullptr && journal == nullptr && header == seen_header_ && Reading::vouched(*shm)) return;
  if (const auto state = Reading::published(disk, database_)) {
    seen_header_ = std::move(header);
    return append(*state);
  }
  seen_header_.clear();
  if (shm != nullptr) {  // nobody is attached any more, or the first one is about to recover
    if (const auto state = Reading::recovered(disk, database_)) append(*state);
    return;
  }
  if (const auto state = Reading::in_file(disk, database_)) append(*state);
}

void History::restart(Disk& disk) {
  fresh_ = true;
  seen_header_.clear();
  if (const auto state = Reading::published(disk, database_)) return append(*state);
  if (const auto state = Reading::recovered(disk, database_)) append(*state);
}

std::optional<CommittedState> History::backup() const {
  if (!stored_) return std::nullopt;
  return states_[*stored_];
}

std::string History::on_object(std::uint64_t min, std::uint64_t max, const base::Bytes& bytes) {
  const bool snapshot = min == 1;
  if (max != txid_ + 1 || (min != max && !snapshot)) {
    return fmt::format("object {}-{} lands on a backup that ends at {}", min, max, txid_);
  }
  ltx::Decoder decoder(ltx::memory_source(bytes));
  auto header = decoder.read_header();
  if (!header) return header.error().message;
  if (header->is_snapshot()) pages_.clear();
  for (;;) {
    auto page = decoder.next_page();
    if (!page) return page.error().message;
    if (!*page) break;
    pages_[(*page)->page_number] = base::Bytes((*page)->data.begin(), (*page)->data.end());
  }
  if (auto end = decoder.finish(); !end) return end.error().message;
  pages_.erase(pages_.upper_bound(header->commit), pages_.end());
  txid_ = max;
  page_size_ = header->page_size;
  page_count_ = header->commit;
  ltx::DatabaseChecksum sum;
  for (const auto& [number, page] : pages_) sum.toggle(ltx::page_checksum(number, page));
  const auto who = ltx::provenance(*header);
  if (!who || who->database_checksum != sum.value()) return fmt::format("object {} claims another checksum", max);
  const CommittedState made{page_size_, page_count_, sum.value()};
  for (std::size_t i = stored_.value_or(0); i < states_.size(); ++i) {
    if (states_[i] != made) continue;
    stored_ = i;
    return {};
  }
  const bool earlier = std::ranges::find(states_, made) != states_.end();
  return fmt::format("object {} makes the backup {} ({} pages, {:016x}); {} states are known", max,
                     earlier ? "an earlier state than it was before" : "a state that was never committed", page_count_,
                     sum.value(), states_.size());
}

base::Bytes History::restored_file() const {
  base::Bytes file(std::size_t{page_count_} * page_size_);
  for (const auto& [number, page] : pages_) {
    std::ranges::copy(page, file.begin() + static_cast<std::ptrdiff_t>(std::size_t{number - 1} * page_size_));
  }
  return file;
}

}  // namespace simulation
