// How the databases of a state directory were written lately, and what is stored of them: for forecasts of the bill,
// read beside the daemon that owns it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "history/forecast.h"

namespace engine {

struct ClientRates {
  std::string id;
  std::string path;
  history::Writing writing;  // of the last 24 hours, or of what the client is old
  history::ObjectSizes sizes{0, 0};
  std::uint64_t stored_objects = 0, stored_bytes = 0;
};

// By id. Blocks for a reading of the whole inventory, some microseconds an object. not_found: no daemon has used this
// directory; denied, io, corrupt: names the file.
base::Result<std::vector<ClientRates>> read_write_rates(const std::filesystem::path& file, base::UnixMillis now);

}  // namespace engine
