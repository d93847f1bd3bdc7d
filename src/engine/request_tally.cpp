// Sums over what was counted, and the words for it.
#include <numeric>
#include <utility>

#include "engine/status.h"

namespace engine {

std::string_view to_string(Purpose purpose) {
  switch (purpose) {
    case Purpose::capture:
      return "capture";
    case Purpose::merge:
      return "merge";
    case Purpose::snapshot:
      return "snapshot";
    case Purpose::retention:
      return "retention";
    case Purpose::recovery:
      return "recovery";
    case Purpose::other:
      return "other";
    case Purpose::audit:
      return "audit";
    case Purpose::verification:
      return "verification";
  }
  return "other";
}

std::uint64_t RequestTally::of(Purpose purpose) const {
  const auto& kinds = requests.at(std::to_underlying(purpose));
  return std::accumulate(kinds.begin(), kinds.end(), std::uint64_t{0});
}

std::uint64_t RequestTally::of(storage::RequestKind kind) const {
  std::uint64_t sum = 0;
  for (const auto& kinds : requests) sum += kinds.at(std::to_underlying(kind));
  return sum;
}

std::uint64_t RequestTally::total() const {
  std::uint64_t sum = 0;
  for (const auto& kinds : requests) sum = std::accumulate(kinds.begin(), kinds.end(), sum);
  return sum;
}

}  // namespace engine
