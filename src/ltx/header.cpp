#include "ltx/header.h"

#include <algorithm>
#include <string_view>

#include <fmt/format.h>

namespace ltx {
namespace {

constexpr std::string_view kMagic = "LTX1";

std::unexpected<base::Error> broken(std::string rule) {
  return base::fail(base::Category::corrupt, "LTX header: " + std::move(rule));
}

base::Result<> validate_wal_fields(const Header& header) {
  if (header.wal_offset < 0) return broken(fmt::format("WAL offset {} is negative", header.wal_offset));
  if (header.wal_size < 0) return broken(fmt::format("WAL size {} is negative", header.wal_size));
  if (header.wal_offset == 0 && (header.wal_salt1 != 0 || header.wal_salt2 != 0)) {
    return broken("WAL salts without a WAL offset");
  }
  if (header.wal_offset == 0 && header.wal_size != 0) return broken("WAL size without a WAL offset");
  return {};
}

base::Result<> validate_pre_apply(const Header& header) {
  const std::uint64_t pre_apply = header.pre_apply_checksum;
  if (header.is_snapshot()) {
    if (pre_apply != 0) return broken("pre-apply checksum on a snapshot");
    return {};
  }
  if (header.no_checksum()) {
    if (pre_apply != 0) return broken("pre-apply checksum together with the NoChecksum flag");
    return {};
  }
  if (pre_apply == 0) return broken("pre-apply checksum is missing");
  if ((pre_apply & kChecksumFlag) == 0) return broken("pre-apply checksum without its flag bit");
  return {};
}

}  // namespace

base::Result<> validate(const Header& header) {
  if ((header.flags & ~kFlagNoChecksum) != 0) return broken(fmt::format("unknown flags {:#010x}", header.flags));
  if (!is_valid_page_size(header.page_size)) {
    return broken(fmt::format("page size {} is not a power of two from 512 to 65536", header.page_size));
  }
  if (header.min_txid.value == 0) return broken("min TXID is 0");
  if (header.max_txid.value == 0) return broken("max TXID is 0");
  if (header.min_txid > header.max_txid) {
    return broken(fmt::format("min TXID {} is above max TXID {}", base::hex16(header.min_txid.value),
                              base::hex16(header.max_txid.value)));
  }
  TRY(validate_wal_fields(header));
  return validate_pre_apply(header);
}

base::Result<Header> decode_header(base::ByteView bytes) {
  if (bytes.size() < kHeaderSize) return broken(fmt::format("only {} of 100 bytes", bytes.size()));
  if (base::as_text(bytes.first(kMagic.size())) != kMagic) return broken("the magic is not LTX1");
  const std::uint8_t* p = bytes.data();
  Header header;
  header.flags = base::load_be32(p + 4);
  header.page_size = base::load_be32(p + 8);
  header.commit = base::load_be32(p + 12);
  header.min_txid = base::Txid{base::load_be64(p + 16)};
  header.max_txid = base::Txid{base::load_be64(p + 24)};
  header.timestamp = base::UnixMillis{static_cast<std::int64_t>(base::load_be64(p + 32))};
  header.pre_apply_checksum = base::load_be64(p + 40);
  header.wal_offset = static_cast<std::int64_t>(base::load_be64(p + 48));
  header.wal_size = static_cast<std::int64_t>(base::load_be64(p + 56));
  header.wal_salt1 = base::load_be32(p + 64);
  header.wal_salt2 = base::load_be32(p + 68);
  header.node_id = base::load_be64(p + 72);
  std::ranges::copy(bytes.subspan(80, header.reserved.size()), header.reserved.begin());
  TRY(validate(header));
  return header;
}

std::array<std::uint8_t, kHeaderSize> encode_header(const Header& header) {
  std::array<std::uint8_t, kHeaderSize> bytes;
  std::uint8_t* p = bytes.data();
  std::ranges::copy(base::as_bytes(kMagic), p);
  base::store_be32(p + 4, header.flags);
  base::store_be32(p + 8, header.page_size);
  base::store_be32(p + 12, header.commit);
  base::store_be64(p + 16, header.min_txid.value);
  base::store_be64(p + 24, header.max_txid.value);
  base::store_be64(p + 32, static_cast<std::uint64_t>(header.timestamp.count()));
  base::store_be64(p + 40, header.pre_apply_checksum);
  base::store_be64(p + 48, static_cast<std::uint64_t>(header.wal_offset));
  base::store_be64(p + 56, static_cast<std::uint64_t>(header.wal_size));
  base::store_be32(p + 64, header.wal_salt1);
  base::store_be32(p + 68, header.wal_salt2);
  base::store_be64(p + 72, header.node_id);
  std::ranges::copy(header.reserved, p + 80);
  return bytes;
}

}  // namespace ltx
