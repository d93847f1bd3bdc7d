// For tests only: backups made in memory for restores.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "ltx/checksum.h"
#include "ltx/encoder.h"
#include "ltx/provenance.h"
#include "storage/keys.h"
#include "storage/object_store.h"

namespace engine::testing {

inline constexpr std::string_view kReplica = "databases/11111111-2222-3333-4444-555555555555";
inline constexpr std::uint32_t kPageSize = 4096;

inline std::string key(std::uint8_t level, std::uint64_t min, std::uint64_t max) {
  return storage::ltx_key(storage::KeyLayout::s3, kReplica, {base::Level{level}, base::Txid{min}, base::Txid{max}})
      .value;
}

// A page that does not compress and tells by whom and for where it was written.
inline base::Bytes noise(std::uint32_t page, std::uint64_t writer) {
  base::Bytes bytes(kPageSize);
  std::uint64_t random = page * 1'000'003ULL + writer;
  for (auto& byte : bytes) {
    random = random * 6364136223846793005U + 1442695040888963407U;
    byte = static_cast<std::uint8_t>(random >> 56);
  }
  return bytes;
}

using RestorePages = std::map<std::uint32_t, base::Bytes>;

// A database that grows and changes TXID by TXID, and the objects of its backup.
class BackupMaker {
 public:
  enum class Checksum { stated, unknown };
  explicit BackupMaker(storage::ObjectStore& store, Checksum checksum = Checksum::stated)
      : store_(store), checksum_(checksum) {}

  // Writes pages first..last anew at the next TXID, and stores that as an object.
  void write(std::uint32_t first, std::uint32_t last) {
    ++txid_;
    RestorePages changed;
    for (std::uint32_t page = first; page <= last; ++page) changed[page] = pages_[page] = noise(page, txid_);
    put(key(0, txid_, txid_), encode(txid_, txid_, changed));
    states_[txid_] = pages_;
  }
  // The same with these pages.
  void write(const RestorePages& changed) {
    ++txid_;
    for (const auto& [number, page] : changed) pages_[number] = page;
    put(key(0, txid_, txid_), encode(txid_, txid_, changed));
    states_[txid_] = pages_;
  }
  // From here on as if another writer had written this page.
  void alter(std::uint32_t page, std::uint64_t writer) { pages_[page] = noise(page, writer); }
  // What the object {level}/{min}-{txid} has to hold: `pages` of the newest state.
  void merge(std::uint8_t level, std::uint64_t min, const RestorePages& pages) {
    put(key(level, min, txid_), encode(min, txid_, pages));
  }
  void put(const std::string& object_key, base::Bytes bytes) {
    storage::PutRequest request;
    request.key = base::ObjectKey{object_key};
    request.body = std::make_shared<storage::MemoryBody>(std::move(bytes));
    request.on_existing = storage::OnExisting::overwrite;
    request.litestream_timestamp = base::UnixMillis{1'700'000'000'000 + static_cast<std::int64_t>(txid_) * 1000};
    ASSERT_TRUE(storage::put_and_wait(store_, std::move(request)));
  }

  [[nodiscard]] const RestorePages& pages() const { return pages_; }
  [[nodiscard]] std::uint64_t txid() const { return txid_; }
  // The whole file as of a TXID.
  [[nodiscard]] base::Bytes file(std::uint64_t txid) const {
    base::Bytes bytes;
    for (const auto& [number, page] : states_.at(txid)) bytes.insert(bytes.end(), page.begin(), page.end());
    return bytes;
  }
  std::uint64_t checksum_error = 0;  // of the checksums that are stated from now on

 private:
  base::Bytes encode(std::uint64_t min, std::uint64_t max, const RestorePages& pages) {
    ltx::Header header;
    header.page_size = kPageSize;
    header.commit = pages_.rbegin()->first;
    header.min_txid = base::Txid{min};
    header.max_txid = base::Txid{max};
    header.timestamp = base::UnixMillis{1'700'000'000'000 + static_cast<std::int64_t>(max) * 1000};
    if (checksum_ == Checksum::stated) {
      ltx::DatabaseChecksum sum;
      for (const auto& [number, page] : pages_) sum.toggle(ltx::page_checksum(number, page));
      ltx::set_provenance(header, {.database_checksum = sum.value() ^ checksum_error, .lineage = 7});
    }
    base::Bytes out;
    ltx::Encoder encoder(header, [&](base::ByteView part) -> base::Result<> {
      out.insert(out.end(), part.begin(), part.end());
      return {};
    });
    for (const auto& [number, page] : pages) EXPECT_TRUE(encoder.add_page(number, page));
    EXPECT_TRUE(encoder.finish());
    return out;
  }

  storage::ObjectStore& store_;
  Checksum checksum_;
  std::uint64_t txid_ = 0;
  RestorePages pages_;
  std::map<std::uint64_t, RestorePages> states_;
};

}  // namespace engine::testing
