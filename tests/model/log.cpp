#include "log.h"

namespace model {

std::uint32_t chain_seed(Byte generation) {
  return 0x9E3779B9U * (generation + 1U) | 1U;
}

std::uint32_t chain_after(std::uint32_t chain, const Frame& frame) {
  std::uint64_t x = (std::uint64_t{chain} << 32) | (std::uint64_t{frame.generation} << 24) |
                    (std::uint64_t{frame.page} << 16) | (std::uint64_t{frame.value} << 8) | frame.commit;
  x *= 0x9E3779B97F4A7C15ULL;
  x ^= x >> 29;
  x *= 0xBF58476D1CE4E5B9ULL;
  x ^= x >> 32;
  return static_cast<std::uint32_t>(x) | 1U;
}

Byte valid_frames(const Log& log) {
  if (log.header_generation == 0) return 0;
  std::uint32_t chain = chain_seed(log.header_generation);
  Byte last = 0;
  for (Byte i = 0; i < kFrames; ++i) {
    const Frame& frame = log.frames[i];
    if (frame.generation != log.header_generation) break;
    chain = chain_after(chain, frame);
    if (chain != frame.chain) break;
    if (frame.commit != 0) last = static_cast<Byte>(i + 1);
  }
  return last;
}

Content content_after(Content below, const Log& log, int count) {
  for (int i = 0; i < count; ++i) {
    const Frame& frame = log.frames[static_cast<std::size_t>(i)];
    below = with_page(below, frame.page, frame.value);
  }
  return below;
}

Log& log_at_path(State& s) {
  return s.logs[s.current - 1U];
}

const Log& log_at_path(const State& s) {
  return s.logs[s.current - 1U];
}

int free_slot(const State& s) {
  for (int i = 0; i < kLogs; ++i) {
    if (s.logs[static_cast<std::size_t>(i)].file == LogFile::none) return i;
  }
  return -1;
}

Byte stream_mark(const State& s) {
  Byte n = 0;
  while (n < kEvents && s.events[n].kind != EventKind::none) ++n;
  return n;
}

bool room_for_events(const State& s, int count) {
  return s.manager.running == 0 || stream_mark(s) + count <= kEvents;
}

bool emit(State& s, EventKind kind) {
  if (s.manager.running == 0) return true;
  const Byte at = stream_mark(s);
  if (at >= kEvents) return false;
  s.events[at] = {kind, 0, {}};
  return true;
}

bool death_is_on_its_way(const State& s) {
  bool on_its_way = s.dying > 0;
  for (const Event& event : s.events) on_its_way = on_its_way || event.kind == EventKind::closed_by_death;
  return on_its_way;
}

void tidy(State& s) {
  for (Byte slot = 1; slot <= kLogs; ++slot) {
    Log& log = s.logs[slot - 1U];
    if (log.file != LogFile::deleted) continue;
    bool used = s.manager.life.pair.log == slot;
    for (const Life& life : s.manager.ended) used = used || life.pair.log == slot;
    for (const Event& event : s.events) used = used || event.opened.log == slot;
    if (!used) log = {};
  }
}

}  // namespace model
