// How a worker is asked to end: SIGTERM, taken between transactions.
#pragma once

#include <chrono>

namespace oracle {

// Before anything else: from now on SIGTERM waits to be asked for.
void hold_back_stop_requests();
// Waits until `deadline` at most. True: the worker shall end.
bool stop_requested_before(std::chrono::steady_clock::time_point deadline);

}  // namespace oracle
