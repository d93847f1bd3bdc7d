// What an audit asks of a client (audit_round.h): the newest state cannot be restored from what the bucket holds, and
// the database is the only one that can make it good.
#pragma once

#include <cstdint>

namespace engine {

enum class Mend : std::uint8_t {
  missing,  // objects are gone, as their names show
  damaged,  // an object that is needed is not what was stored, under its name
};

}  // namespace engine
