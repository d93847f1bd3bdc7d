#include "cli/restore_estimate.h"

#include <chrono>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/bytes.h"
#include "base/clock.h"
#include "cli/progress.h"
#include "cli/restore_effort.h"
#include "engine/line_probe.h"

namespace cli {
namespace {

std::string text_of(const RestoreRequest& request, const PreviewedRestore& previewed, const engine::LineSpeed& line) {
  const auto& [preview, effort] = previewed;
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
  text += time_line(seconds_for(effort, line, request.parallel), line);
  if (!request.store.bucket.starts_with("file:")) text += cost_line(effort, request.prices);
  for (const auto& object : preview.objects) {
    text += fmt::format("          {:>10} of {:>10}  {}\n", format_bytes(object.read_bytes),
                        format_bytes(object.size_bytes), object.key);
  }
  return text;
}

std::string json_of(const RestoreRequest& request, const PreviewedRestore& previewed, const engine::LineSpeed& line) {
  const auto& [preview, effort] = previewed;
  nlohmann::json objects = nlohmann::json::array();
  for (const auto& object : preview.objects) {
    objects.push_back({{"key", object.key}, {"bytes", object.size_bytes}, {"readBytes", object.read_bytes}});
  }
  const RestoreCost cost = cost_of(effort, request.prices);
  const nlohmann::json json = {{"txid", base::hex16(preview.txid.value)},
                               {"time", base::to_rfc3339(preview.timestamp)},
                               {"pageSize", preview.page_size},
                               {"pages", preview.pages},
                               {"readBytes", preview.read_bytes},
                               {"requests", preview.requests},
                               {"listRequests", static_cast<std::uint64_t>(effort.lists)},
                               {"headRequests", static_cast<std::uint64_t>(effort.heads)},
                               {"estimatedSeconds", seconds_for(effort, line, request.parallel)},
                               {"measuredAnswerMs", std::chrono::duration<double, std::milli>(line.answer).count()},
                               {"measuredBytesPerSecond", line.bytes_per_second},
                               {"measuredByReadingBytes", line.probe_bytes},
                               {"estimatedRequestCost", cost.requests},
                               {"estimatedTrafficCost", cost.traffic},
                               {"objects", objects}};
  return json.dump() + "\n";
}

}  // namespace

base::Result<std::string> describe_restore(storage::ObjectStore& store, const RestoreRequest& request,
                                           const storage::CallContext& context) {
  TRY_ASSIGN(const auto previewed, preview_effort(store, request.replica, request.target, context));
  TRY_ASSIGN(const auto line, engine::measure_line(store, previewed.preview.objects, request.parallel, context));
  return request.json ? json_of(request, previewed, line) : text_of(request, previewed, line);
}

}  // namespace cli
