// How the C library keeps memory that we do not use at the moment, and what the system keeps mapped for us. No effect
// where there are no such settings.
#pragma once

namespace os {

// Few pools for all threads instead of one each. Call before other threads start.
void limit_memory_pools();
// Gives free memory back to the system; some milliseconds. For the moments after a burst of work.
void give_back_free_memory();
// Unmaps the program's and its libraries' code and constants. What is needed comes back by itself out of the system's
// page cache, 64 KiB for a microsecond, so this is for when a burst is long over: most of that code ran at the start
// only. Any thread, others may run. Linux; not for pages that an operator locked into memory.
void let_go_of_idle_code();

}  // namespace os
