#include "engine/line_probe.h"

#include <algorithm>
#include <functional>
#include <optional>

#include "base/clock.h"
#include "engine/range_fetcher.h"

namespace engine {
namespace {

constexpr std::uint64_t kProbeBytes = 4U << 20;
constexpr std::uint64_t kPieceBytes = 256U << 10;
constexpr std::uint64_t kAnswerBytes = 64;

std::vector<Range> pieces_of(const std::vector<PlannedObject>& objects) {
  std::vector<const PlannedObject*> largest;
  largest.reserve(objects.size());
  for (const PlannedObject& object : objects) largest.push_back(&object);
  std::ranges::sort(largest, std::greater{}, [](const PlannedObject* object) { return object->size_bytes; });
  std::vector<Range> pieces;
  std::uint64_t sum = 0;
  for (const PlannedObject* object : largest) {
    for (std::uint64_t at = 0; at < object->size_bytes && sum < kProbeBytes; at += kPieceBytes) {
      pieces.push_back({base::ObjectKey{object->key}, at, std::min(kPieceBytes, object->size_bytes - at)});
      sum += pieces.back().length;
    }
  }
  return pieces;
}

std::chrono::duration<double> time_of(const base::SteadyTime& begun) {
  return base::system_clock().steady_now() - begun;
}

}  // namespace

base::Result<LineSpeed> measure_line(storage::ObjectStore& store, const std::vector<PlannedObject>& objects,
                                     unsigned parallel, const storage::CallContext& context) {
  const std::vector<Range> pieces = pieces_of(objects);
  if (pieces.empty()) return base::fail(base::Category::not_found, "there is nothing to read");
  LineSpeed speed;
  auto begun = base::system_clock().steady_now();
  TRY_ASSIGN(
      const base::Bytes few,
      storage::get_and_wait(store, {pieces.front().key, 0, std::min(kAnswerBytes, pieces.front().length)}, context));
  const auto answer = time_of(begun);
  speed.answer = std::chrono::duration_cast<std::chrono::microseconds>(answer);

  begun = base::system_clock().steady_now();
  std::size_t asked = 0;
  RangeFetcher fetcher(store, [&]() { return asked < pieces.size() ? std::optional(pieces[asked++]) : std::nullopt; },
                       {.parallel = parallel, .waiting_bytes_max = 2 * kProbeBytes, .context = context});
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    TRY_ASSIGN(const RangeFetcher::Fetched fetched, fetcher.next());
    speed.probe_bytes += fetched.bytes.size();
  }
  const auto took = time_of(begun);
  // What one answer takes anyway says nothing about the line, but is never most of what was measured either.
  const double transfer = std::max((took - answer).count(), took.count() / 4);
  speed.bytes_per_second = static_cast<double>(speed.probe_bytes) / std::max(transfer, 1e-6);
  speed.probe_requests = pieces.size() + 1;
  return speed;
}

}  // namespace engine
