#include "cli/restore_effort.h"

#include <array>
#include <atomic>
#include <chrono>
#include <cmath>
#include <memory>
#include <utility>

#include <fmt/format.h>

#include "cli/progress.h"

namespace cli {
namespace {

constexpr double kHeadsAtOnce = 8;  // of a restore that has to know when objects were made

class Counted final : public storage::RequestObserver {
 public:
  void on_request(storage::RequestKind kind) override { ++counts_.at(std::to_underlying(kind)); }
  void on_bytes(std::uint64_t /*sent*/, std::uint64_t /*received*/) override {}
  [[nodiscard]] double of(storage::RequestKind kind) const {
    return static_cast<double>(counts_.at(std::to_underlying(kind)).load());
  }

 private:
  std::array<std::atomic<std::uint64_t>, storage::kRequestKinds> counts_{};
};

}  // namespace

base::Result<PreviewedRestore> preview_effort(storage::ObjectStore& store, std::string_view replica,
                                              const history::RestoreTarget& target,
                                              const storage::CallContext& context) {
  // A restore asks the same once more.
  const auto asked = std::make_shared<Counted>();
  storage::CallContext counted = context;
  counted.observer = asked;
  TRY_ASSIGN(auto preview, engine::preview_restore(store, replica, target, counted));
  const RestoreEffort effort{.gets = static_cast<double>(preview.requests),
                             .lists = asked->of(storage::RequestKind::list),
                             .heads = asked->of(storage::RequestKind::head),
                             .read_bytes = static_cast<double>(preview.read_bytes)};
  return PreviewedRestore{.preview = std::move(preview), .effort = effort};
}

// Listings of a restore wait for each other; times are asked for some at a time, ranges `parallel` at a time.
double seconds_for(const RestoreEffort& effort, const engine::LineSpeed& line, unsigned parallel, unsigned at_once) {
  const double rounds = effort.lists + std::ceil(effort.heads / kHeadsAtOnce) + std::ceil(effort.gets / parallel);
  return rounds / at_once * std::chrono::duration<double>(line.answer).count() +
         effort.read_bytes / line.bytes_per_second;
}

RestoreCost cost_of(const RestoreEffort& effort, const history::PriceTable& prices) {
  history::Requests requests;
  requests.gets = effort.gets;
  requests.lists = effort.lists;
  requests.heads = effort.heads;
  return {.requests = history::request_cost(requests, prices),
          .traffic = history::download_cost(effort.read_bytes, prices)};
}

std::string time_line(double seconds, const engine::LineSpeed& line) {
  return fmt::format(
      "time      about {:.1f} s, and SQLite's check: measured now, {:.1f} ms an answer and {}/s ({} read "
      "for that)\n",
      seconds, std::chrono::duration<double, std::milli>(line.answer).count(),
      format_bytes(static_cast<std::uint64_t>(line.bytes_per_second)), format_bytes(line.probe_bytes));
}

std::string cost_line(const RestoreEffort& effort, const history::PriceTable& prices) {
  const RestoreCost cost = cost_of(effort, prices);
  const std::string text = fmt::format("cost      {:.6f} for {:.0f} requests ({:.0f} GET, {:.0f} LIST, {:.0f} HEAD), ",
                                       cost.requests, effort.requests(), effort.gets, effort.lists, effort.heads);
  return text + (prices.download_per_gb == 0 ? "nothing for traffic (-price-download is 0, as inside Amazon's region)\n"
                                             : fmt::format("{:.4f} for traffic\n", cost.traffic));
}

}  // namespace cli
