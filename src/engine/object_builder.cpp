#include "engine/object_builder.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "engine/staged_body.h"
#include "ltx/checksum.h"
#include "ltx/encoder.h"
#include "ltx/provenance.h"
#include "os/file.h"

namespace engine {

namespace {

constexpr std::uint32_t kUnwrittenPagesMax = 65536;

struct Change {
  std::uint32_t page_number;
  std::uint64_t before;
  std::uint64_t after;
};

base::Result<std::vector<Change>> changed_pages(const BuildInput& in, Ledger& ledger) {
  const std::vector<PageSet::Page> pages = in.pages->pages();
  std::vector<std::uint64_t> before(pages.size(), 0);
  if (!in.full_image) {
    std::vector<std::uint32_t> numbers;
    numbers.reserve(pages.size());
    for (const auto& page : pages) numbers.push_back(page.number);
    TRY_ASSIGN(before, ledger.checksums(in.acknowledged->row, numbers));
  }
  std::vector<Change> changes;
  for (std::size_t i = 0; i < pages.size(); ++i) {
    if (pages[i].number > in.page_count) continue;
    if (before[i] == pages[i].checksum) continue;
    changes.push_back({pages[i].number, before[i], pages[i].checksum});
  }
  return changes;
}

// A page that a growing transaction allocated and never wrote has no frame; a reader of the format still needs it.
base::Result<std::vector<std::uint32_t>> unwritten_growth(const BuildInput& in) {
  std::vector<std::uint32_t> missing;
  const std::uint32_t lock_page = ltx::lock_page(in.page_size);
  const std::uint32_t from = in.full_image ? 1 : in.acknowledged->page_count + 1;
  if (in.page_count > in.pages->highest() + kUnwrittenPagesMax && in.page_count > from + kUnwrittenPagesMax) {
    return base::fail(base::Category::invalid,
                      fmt::format("the log claims {} pages that it does not have", in.page_count));
  }
  for (std::uint32_t page = from; page <= in.page_count; ++page) {
    if (page != lock_page && !in.pages->contains(page)) missing.push_back(page);
  }
  if (in.full_image && !missing.empty()) {
    return base::fail(base::Category::invalid, fmt::format("page {} is missing in an image", missing.front()));
  }
  return missing;
}

base::Result<> add_from_file(const BuildInput& in, const std::vector<std::uint32_t>& numbers, PageSet& extra,
                             std::vector<Change>& changes) {
  if (numbers.empty()) return {};
  TRY_ASSIGN(os::File file, os::File::open_read_only(in.database));
  const auto read = [&]() -> base::Result<> {
    base::Bytes page(in.page_size);
    for (const std::uint32_t number : numbers) {
      std::ranges::fill(page, std::uint8_t{0});
      TRY_ASSIGN([[maybe_unused]] const std::size_t got, file.read_at(std::uint64_t{number - 1} * in.page_size, page));
      const std::uint64_t checksum = ltx::page_checksum(number, page);
      TRY(extra.put(number, page, checksum));
      changes.push_back({number, 0, checksum});
    }
    return {};
  };
  const auto done = read();
  if (in.closer != nullptr) in.closer->close_later(std::move(file));
  TRY(done);
  std::ranges::sort(changes, {}, &Change::page_number);
  return {};
}

base::Result<std::uint64_t> checksum_after(const BuildInput& in, const std::vector<Change>& changes, Ledger& ledger) {
  ltx::DatabaseChecksum sum;
  if (!in.full_image) sum = ltx::DatabaseChecksum(in.acknowledged->database_checksum);
  for (const Change& change : changes) {
    sum.toggle(change.before);
    sum.toggle(change.after);
  }
  if (!in.full_image && in.acknowledged->page_count > in.page_count) {
    std::vector<std::uint32_t> dropped;
    for (std::uint32_t page = in.page_count + 1; page <= in.acknowledged->page_count; ++page) dropped.push_back(page);
    TRY_ASSIGN(const auto old, ledger.checksums(in.acknowledged->row, dropped));
    for (const std::uint64_t checksum : old) sum.toggle(checksum);
  }
  return sum.value();
}

base::Result<> encode(const ltx::Header& header, const BuildInput& in, const PageSet& extra,
                      const std::vector<Change>& changes, const ltx::Sink& sink) {
  ltx::Encoder encoder(header, sink);
  base::Bytes block;
  base::Bytes page(in.page_size);
  for (const Change& change : changes) {
    const PageSet& from = in.pages->contains(change.page_number) ? *in.pages : extra;
    TRY(from.read_block(change.page_number, block));
    TRY(ltx::decompress_page(block, page));
    TRY(encoder.add_compressed(change.page_number, block, page));
  }
  return encoder.finish();
}

base::Result<std::shared_ptr<const storage::Body>> encode_body(const ltx::Header& header, const BuildInput& in,
                                                               const PageSet& extra,
                                                               const std::vector<Change>& changes) {
  BodyWriter body(in.staging_directory, kMemoryObjectBytes);
  TRY(encode(header, in, extra, changes, [&](base::ByteView part) { return body.append(part); }));
  return body.finish();
}

}  // namespace

base::Result<std::optional<BuiltObject>> build_object(const BuildInput& in, Ledger& ledger) {
  TRY_ASSIGN(std::vector<Change> changes, changed_pages(in, ledger));
  PageSet extra(in.staging_directory, kMemoryObjectBytes);
  TRY_ASSIGN(const std::vector<std::uint32_t> missing, unwritten_growth(in));
  TRY(add_from_file(in, missing, extra, changes));
  const ClientRecord& base = *in.acknowledged;
  const bool same = changes.empty() && !in.full_image && in.page_count == base.page_count;
  if (same && !in.must_store) return std::nullopt;
  if (same) {
    if (!in.pages->contains(1)) return base::fail(base::Category::invalid, "page 1 is needed to settle an upload");
    TRY_ASSIGN(const auto now, ledger.checksums(base.row, {1}));
    changes.push_back({1, now.front(), now.front()});
  }
  BuiltObject object;
  // Another page size cannot be merged with what is there, and nothing can be put on a broken chain: a snapshot
  // replaces it.
  const bool other_size = base.page_size != 0 && base.page_size != in.page_size;
  const bool snapshot = base.txid.value > 0 && in.full_image && (other_size || in.chain_broken);
  object.max = base::next(base.txid);
  object.min = snapshot ? base::Txid{1} : object.max;
  object.level = snapshot ? base::kSnapshotLevel : base::Level{0};
  object.timestamp = in.now;
  TRY_ASSIGN(const std::uint64_t checksum, checksum_after(in, changes, ledger));

  ltx::Header header;
  header.page_size = in.page_size;
  header.commit = in.page_count;
  header.min_txid = object.min;
  header.max_txid = object.max;
  header.timestamp = in.now;
  ltx::set_provenance(header, {checksum, in.lineage});
  TRY_ASSIGN(object.body, encode_body(header, in, extra, changes));
  object.in_memory = object.body->size_bytes() < kMemoryObjectBytes;

  Acknowledgement& ack = object.acknowledgement;
  ack = {object.max, checksum, in.page_size, in.page_count, {}, in.full_image, in.position, in.fingerprint, in.now, {}};
  ack.pages.reserve(changes.size());
  for (const Change& change : changes) ack.pages.push_back({change.page_number, change.after});
  return object;
}

}  // namespace engine
