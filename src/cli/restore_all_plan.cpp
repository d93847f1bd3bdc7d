#include "cli/restore_all_plan.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "cli/progress.h"
#include "cli/restore_effort.h"
#include "engine/line_probe.h"
#include "os/file.h"
#include "storage/keys.h"

namespace cli {
namespace {

using base::Category;
using engine::BackedUpClient;

constexpr std::size_t kPreviewsMax = 16;

struct Plan {
  std::size_t to_restore = 0, previewed = 0, files_exist = 0;
  std::uint64_t stored_bytes = 0;  // of those to restore
  RestoreEffort effort;
  std::optional<engine::LineSpeed> line;  // none: nothing to read
  double seconds = 0;
  std::vector<std::string> notes;  // of those that have no plan
};

bool exists(const RestoreAllRequest& request, const BackedUpClient& client) {
  return !request.output.empty() && os::stat_path(output_of(request, client)).has_value();
}

// `one` stands for `clients` of them, which have `share` times its bytes in the bucket.
void add(RestoreEffort& sum, const RestoreEffort& one, double clients, double share) {
  sum.gets += std::max(clients, one.gets * share);
  sum.lists += one.lists * clients;
  sum.heads += one.heads * clients;
  sum.read_bytes += one.read_bytes * share;
}

bool is_about_one_backup(const base::Error& error) {
  return error.category == Category::not_found || error.category == Category::corrupt;
}

// Clients in the order of their sizes, in up to kPreviewsMax groups of equal number; of each the middle one is looked
// at.
base::Result<Plan> plan_of(storage::ObjectStore& store, const RestoreAllRequest& request,
                           std::vector<const BackedUpClient*> by_size, const storage::CallContext& context) {
  std::ranges::sort(by_size, {}, [](const auto* c) { return std::pair(c->size_bytes, std::string_view(c->id.value)); });
  Plan plan;
  plan.to_restore = by_size.size();
  plan.previewed = std::min(by_size.size(), kPreviewsMax);
  std::vector<engine::PlannedObject> to_measure;
  for (std::size_t group = 0; group < plan.previewed; ++group) {
    const std::size_t begin = group * by_size.size() / plan.previewed;
    const std::size_t end = (group + 1) * by_size.size() / plan.previewed;
    std::uint64_t bytes = 0;
    for (std::size_t i = begin; i < end; ++i) bytes += by_size[i]->size_bytes;
    plan.stored_bytes += bytes;
    const BackedUpClient& middle = *by_size[begin + (end - begin) / 2];
    auto one = preview_effort(store, storage::replica_path(middle.id), request.target, context);
    if (!one && !is_about_one_backup(one.error())) return std::unexpected(std::move(one).error());
    if (!one) {
      plan.notes.push_back(fmt::format("{}: {}", middle.id.value, one.error().message));
      continue;
    }
    const double share =
        static_cast<double>(bytes) / static_cast<double>(std::max<std::uint64_t>(1, middle.size_bytes));
    add(plan.effort, one->effort, static_cast<double>(end - begin), share);
    if (one->preview.read_bytes != 0) to_measure = std::move(one->preview.objects);  // the largest of them in the end
  }
  if (to_measure.empty()) return plan;
  TRY_ASSIGN(plan.line, engine::measure_line(store, to_measure, kRequestsOfAll, context));
  const auto at_once = static_cast<unsigned>(std::min<std::size_t>(request.parallel, plan.to_restore));
  plan.seconds = seconds_for(plan.effort, *plan.line, requests_of_each(request), at_once);
  return plan;
}

std::string text_of(const RestoreAllRequest& request, const std::vector<BackedUpClient>& clients, const Plan& plan) {
  std::string text;
  for (const BackedUpClient& client : clients) {
    text += fmt::format("{}  {:>10} stored, newest object {}{}\n", client.id.value, format_bytes(client.size_bytes),
                        base::to_rfc3339(client.newest), exists(request, client) ? "; the file exists" : "");
  }
  for (const std::string& note : plan.notes) text += fmt::format("no plan   {}\n", note);
  text += fmt::format("{} clients, {} files exist, at most {} to read\n", clients.size(), plan.files_exist,
                      format_bytes(plan.stored_bytes));
  if (!plan.line) return text;
  text += fmt::format("reads     about {} in {:.0f} requests, by the plans of {} of {} clients\n",
                      format_bytes(static_cast<std::uint64_t>(plan.effort.read_bytes)), plan.effort.requests(),
                      plan.previewed, plan.to_restore);
  text += time_line(plan.seconds, *plan.line);
  if (!request.store.bucket.starts_with("file:")) text += cost_line(plan.effort, request.prices);
  return text;
}

std::string json_of(const RestoreAllRequest& request, const std::vector<BackedUpClient>& clients, const Plan& plan) {
  nlohmann::json list = nlohmann::json::array();
  for (const BackedUpClient& client : clients) {
    nlohmann::json item = {{"client", client.id.value},
                           {"storedBytes", client.size_bytes},
                           {"newest", base::to_rfc3339(client.newest)},
                           {"exists", exists(request, client)}};
    if (!request.output.empty()) item["output"] = output_of(request, client).string();
    list.push_back(std::move(item));
  }
  nlohmann::json json = {{"dryRun", true},
                         {"clients", clients.size()},
                         {"toRestore", plan.to_restore},
                         {"filesExist", plan.files_exist},
                         {"storedBytes", plan.stored_bytes},
                         {"previewed", plan.previewed},
                         {"withoutPlan", plan.notes},
                         {"plan", std::move(list)}};
  if (plan.line) {
    const RestoreCost cost = cost_of(plan.effort, request.prices);
    json["readBytes"] = static_cast<std::uint64_t>(plan.effort.read_bytes);
    json["requests"] = static_cast<std::uint64_t>(plan.effort.requests());
    json["estimatedSeconds"] = plan.seconds;
    json["measuredAnswerMs"] = std::chrono::duration<double, std::milli>(plan.line->answer).count();
    json["measuredBytesPerSecond"] = plan.line->bytes_per_second;
    json["estimatedRequestCost"] = cost.requests;
    json["estimatedTrafficCost"] = cost.traffic;
  }
  return json.dump() + "\n";
}

}  // namespace

unsigned requests_of_each(const RestoreAllRequest& request) {
  return std::max(2U, kRequestsOfAll / request.parallel);
}

std::filesystem::path output_of(const RestoreAllRequest& request, const BackedUpClient& client) {
  return request.output / (client.id.value + ".db");
}

base::Result<std::string> describe_restore_all(storage::ObjectStore& store, const RestoreAllRequest& request,
                                               const std::vector<BackedUpClient>& clients,
                                               const storage::CallContext& context) {
  std::vector<const BackedUpClient*> wanted;
  std::size_t there = 0;
  for (const BackedUpClient& client : clients) {
    const bool is_there = exists(request, client);
    there += is_there ? 1 : 0;
    if (!is_there || !request.resume) wanted.push_back(&client);
  }
  TRY_ASSIGN(Plan plan, plan_of(store, request, std::move(wanted), context));
  plan.files_exist = there;
  return request.json ? json_of(request, clients, plan) : text_of(request, clients, plan);
}

}  // namespace cli
