// Slots of UTC time: which hour, day, week or month a moment lies in. Pure.
#pragma once

#include <cstdint>

#include "base/clock.h"

namespace history {

enum class Slot : std::uint8_t { hour, day, week, month };

// A half-open stretch [begin, end).
struct SlotSpan {
  base::UnixMillis begin;
  base::UnixMillis end;
  friend bool operator==(const SlotSpan&, const SlotSpan&) = default;
};

// Weeks begin on Monday. Any time, also before 1970.
SlotSpan slot_of(Slot slot, base::UnixMillis time);

base::UnixMillis floor_hour(base::UnixMillis time);
// The first full hour at or after `time`.
base::UnixMillis ceil_hour(base::UnixMillis time);

}  // namespace history
