// The file's last 16 bytes, and the rule for the post-apply checksum that encoder and decoder share:
//
//   off size field
//     0   8  post-apply checksum: 0 with NoChecksum, else with bit 63; for commit 0 the bare flag
//     8   8  file checksum
#pragma once

#include <optional>
#include <string>

#include "ltx/header.h"

namespace ltx {

// nullopt: allowed. Otherwise the broken rule in words.
std::optional<std::string> post_apply_violation(const Header& header, std::uint64_t post_apply);

}  // namespace ltx
