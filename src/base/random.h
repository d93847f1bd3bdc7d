// Randomness for lineage ids and jitter. Thread safe (one generator per thread, seeded by the operating system).
#pragma once

#include <cstdint>
#include <string>

namespace base {

std::uint64_t random_u64();
// Uniform in [0, 1).
double random_unit();
// `digits` lower-case hex digits.
std::string random_hex(std::size_t digits);

}  // namespace base
