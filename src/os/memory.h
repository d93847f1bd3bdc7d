// How the C library keeps memory that we do not use at the moment. No effect where it has no such settings.
#pragma once

namespace os {

// Few pools for all threads instead of one each. Call before other threads start.
void limit_memory_pools();
// Gives free memory back to the system; some milliseconds. For the moments after a burst of work.
void give_back_free_memory();

}  // namespace os
