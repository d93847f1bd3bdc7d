// The log file of the model and the queue of events, as the applications' and the engine's side both need them.
#pragma once

#include "state.h"

namespace model {

// Stands for SQLite's running checksum: never 0, so that it is not taken for "no frame".
std::uint32_t chain_seed(Byte generation);
std::uint32_t chain_after(std::uint32_t chain, const Frame& frame);

// How many frames recovery accepts: the last commit of the valid chain.
Byte valid_frames(const Log& log);
// Frames 1..count laid over `below`.
Content content_after(Content below, const Log& log, int count);

// REQUIRES: s.current.
Log& log_at_path(State& s);
const Log& log_at_path(const State& s);
int free_slot(const State& s);  // -1: none

// Something happened that the kernel tells of. False: the queue is full in this model, so it cannot happen now.
bool emit(State& s, EventKind kind);
bool room_for_events(const State& s, int count);
// A process has died and the engine has not heard of it.
bool death_is_on_its_way(const State& s);
// Events that were not delivered yet: the position in the stream, counted from the last delivered one.
Byte stream_mark(const State& s);

// Forgets deleted logs that nobody has a descriptor of.
void tidy(State& s);

}  // namespace model
