// Unsigned LEB128 as the page index uses it: 7 bits a byte, least significant group first, high bit = more follow.
#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.h"

namespace ltx {

void append_uvarint(base::Bytes& out, std::uint64_t value);
// Takes one value off the front of `bytes`; nullopt if it is cut or does not fit 64 bits.
std::optional<std::uint64_t> take_uvarint(base::ByteView& bytes);

}  // namespace ltx
