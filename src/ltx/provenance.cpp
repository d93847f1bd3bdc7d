#include "ltx/provenance.h"

#include <algorithm>
#include <string_view>

#include "base/check.h"

namespace ltx {
namespace {
constexpr std::string_view kTag = "LSM1";
constexpr std::size_t kLineageOffset = 8;  // within the reserved bytes
constexpr std::size_t kTagOffset = 16;
}  // namespace

void set_provenance(Header& header, const Provenance& provenance) {
  CHECK(provenance.lineage != 0);
  base::store_be64(header.reserved.data(), provenance.database_checksum);
  base::store_be64(header.reserved.data() + kLineageOffset, provenance.lineage);
  std::ranges::copy(base::as_bytes(kTag), header.reserved.data() + kTagOffset);
}

std::optional<Provenance> provenance(const Header& header) {
  const base::ByteView reserved = header.reserved;
  if (base::as_text(reserved.subspan(kTagOffset)) != kTag) return std::nullopt;
  const Provenance found{.database_checksum = base::load_be64(reserved.data()),
                         .lineage = base::load_be64(reserved.data() + kLineageOffset)};
  if (found.lineage == 0) return std::nullopt;
  return found;
}

}  // namespace ltx
