#include "cli/restore_estimate.h"

#include <array>
#include <atomic>
#include <cmath>
#include <memory>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/bytes.h"
#include "base/clock.h"
#include "cli/progress.h"
#include "engine/line_probe.h"
#include "engine/restore_preview.h"
#include "history/cost.h"

namespace cli {
namespace {

class Counted final : public storage::RequestObserver {
 public:
  void on_request(storage::RequestKind kind) override { ++counts_.at(std::to_underlying(kind)); }
  void on_bytes(std::uint64_t /*sent*/, std::uint64_t /*received*/) override {}
  [[nodiscard]] std::uint64_t of(storage::RequestKind kind) const { return counts_.at(std::to_underlying(kind)); }

 private:
  std::array<std::atomic<std::uint64_t>, storage::kRequestKinds> counts_{};
};

struct Estimate {
  std::uint64_t gets = 0, lists = 0, heads = 0;
  double seconds = 0;
  double request_cost = 0, download_cost = 0;
  engine::LineSpeed line;
};

// Listings wait for each other; times are asked for some at a time, ranges `parallel` at a time.
Estimate estimate(const RestoreRequest& request, const engine::RestorePreview& preview, const Counted& asked,
                  const engine::LineSpeed& line) {
  Estimate result{.gets = preview.requests,
                  .lists = asked.of(storage::RequestKind::list),
                  .heads = asked.of(storage::RequestKind::head),
                  .line = line};
  const double rounds = static_cast<double>(result.lists) + std::ceil(static_cast<double>(result.heads) / 8) +
                        std::ceil(static_cast<double>(result.gets) / request.parallel);
  const auto bytes = static_cast<double>(preview.read_bytes);
  result.seconds = rounds * std::chrono::duration<double>(line.answer).count() + bytes / line.bytes_per_second;
  history::Requests requests;
  requests.gets = static_cast<double>(result.gets);
  requests.lists = static_cast<double>(result.lists);
  requests.heads = static_cast<double>(result.heads);
  result.request_cost = history::request_cost(requests, request.prices);
  result.download_cost = history::download_cost(bytes, request.prices);
  return result;
}

double answer_ms(const Estimate& estimated) {
  return std::chrono::duration<double, std::milli>(estimated.line.answer).count();
}

std::string cost_text(const RestoreRequest& request, const Estimate& estimated) {
  std::string text =
      fmt::format("cost      {:.6f} for {} requests ({} GET, {} LIST, {} HEAD), ", estimated.request_cost,
                  estimated.gets + estimated.lists + estimated.heads, estimated.gets, estimated.lists, estimated.heads);
  return text + (request.prices.download_per_gb == 0
                     ? "nothing for traffic (-price-download is 0, as inside Amazon's region)\n"
                     : fmt::format("{:.4f} for traffic\n", estimated.download_cost));
}

std::string text_of(const RestoreRequest& request, const engine::RestorePreview& preview, const Estimate& estimated) {
  std::string text = fmt::format("state     {}of {}\n",
                                 preview.txid.value == 0 ? std::string("(Litestream 0.3) ")
                                                         : fmt::format("TXID {} ", base::hex16(preview.txid.value)),
                                 base::to_rfc3339(preview.timestamp));
  if (preview.pages != 0) {
    text +=
        fmt::format("size      {} in {} pages of {} bytes\n",
                    format_bytes(std::uint64_t{preview.page_size} * preview.pages), preview.pages, preview.page_size);
  }
  text += fmt::format("reads     {} of {} objects in {} requests\n", format_bytes(preview.read_bytes),
                      preview.objects.size(), preview.requests);
  text += fmt::format(
      "time      about {:.1f} s, and SQLite's check: measured now, {:.1f} ms an answer and {}/s ({} read "
      "for that)\n",
      estimated.seconds, answer_ms(estimated),
      format_bytes(static_cast<std::uint64_t>(estimated.line.bytes_per_second)),
      format_bytes(estimated.line.probe_bytes));
  if (!request.store.bucket.starts_with("file:")) text += cost_text(request, estimated);
  for (const auto& object : preview.objects) {
    text += fmt::format("          {:>10} of {:>10}  {}\n", format_bytes(object.read_bytes),
                        format_bytes(object.size_bytes), object.key);
  }
  return text;
}

std::string json_of(const engine::RestorePreview& preview, const Estimate& estimated) {
  nlohmann::json objects = nlohmann::json::array();
  for (const auto& object : preview.objects) {
    objects.push_back({{"key", object.key}, {"bytes", object.size_bytes}, {"readBytes", object.read_bytes}});
  }
  const nlohmann::json json = {{"txid", base::hex16(preview.txid.value)},
                               {"time", base::to_rfc3339(preview.timestamp)},
                               {"pageSize", preview.page_size},
                               {"pages", preview.pages},
                               {"readBytes", preview.read_bytes},
                               {"requests", estimated.gets},
                               {"listRequests", estimated.lists},
                               {"headRequests", estimated.heads},
                               {"estimatedSeconds", estimated.seconds},
                               {"measuredAnswerMs", answer_ms(estimated)},
                               {"measuredBytesPerSecond", estimated.line.bytes_per_second},
                               {"measuredByReadingBytes", estimated.line.probe_bytes},
                               {"estimatedRequestCost", estimated.request_cost},
                               {"estimatedTrafficCost", estimated.download_cost},
                               {"objects", objects}};
  return json.dump() + "\n";
}

}  // namespace

base::Result<std::string> describe_restore(storage::ObjectStore& store, const RestoreRequest& request,
                                           const storage::CallContext& context) {
  // A restore asks the same once more.
  const auto asked = std::make_shared<Counted>();
  storage::CallContext counted = context;
  counted.observer = asked;
  TRY_ASSIGN(const auto preview, engine::preview_restore(store, request.replica, request.target, counted));
  TRY_ASSIGN(const auto line, engine::measure_line(store, preview.objects, request.parallel, context));
  const Estimate estimated = estimate(request, preview, *asked, line);
  return request.json ? json_of(preview, estimated) : text_of(request, preview, estimated);
}

}  // namespace cli
