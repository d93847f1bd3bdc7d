// A disk under the log that fails now and then: an fsync at COMMIT (the frames of the transaction, its commit mark
// included, are in the log, but the application was told that it failed), or a write in the middle of a transaction.
#pragma once

#include <cstdint>

namespace oracle {

struct FailureRates {
  int sync_per_mille = 0;
  int write_per_mille = 0;
};

// From now on every log that this process opens fails at these rates. Call once, before the first connection; one
// thread.
void make_logs_fail(const FailureRates& rates, std::uint64_t seed);

}  // namespace oracle
