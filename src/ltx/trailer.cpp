#include "ltx/trailer.h"

namespace ltx {

std::optional<std::string> post_apply_violation(const Header& header, std::uint64_t post_apply) {
  if (header.commit == 0 && header.no_checksum()) return "commit 0 together with the NoChecksum flag";
  if (header.no_checksum()) {
    if (post_apply != 0) return "post-apply checksum together with the NoChecksum flag";
    return std::nullopt;
  }
  if (post_apply == 0) return "post-apply checksum is missing";
  if ((post_apply & kChecksumFlag) == 0) return "post-apply checksum without its flag bit";
  if (header.commit == 0 && post_apply != kChecksumFlag) return "post-apply checksum of an empty database is not empty";
  return std::nullopt;
}

}  // namespace ltx
