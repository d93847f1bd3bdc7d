#include "cli/explain_command.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <string>
#include <utility>

#include "cli/client_policies.h"
#include "cli/cost_report.h"
#include "cli/exit_code.h"
#include "cli/explanation.h"
#include "engine/write_rates.h"
#include "fleet/client_name.h"
#include "fleet/fleet.h"

namespace cli {
namespace {

namespace fs = std::filesystem;
using Seconds = std::chrono::duration<double>;

// Below its watched directory, where the daemon would find it first; empty if it is nowhere.
ExplainedClient find_client(const Options& options, const std::string& id) {
  const std::string wanted = fleet::fold_case(id);
  for (const auto& watched : options.watch_dirs) {
    const fs::path root = fleet::resolve_watch_dir(watched);
    std::error_code failure;
    fs::recursive_directory_iterator entry(root, fs::directory_options::skip_permission_denied, failure);
    for (; !failure && entry != fs::recursive_directory_iterator(); entry.increment(failure)) {
      const auto name = fleet::parse_client_name(entry->path().filename().string());
      if (name && fleet::fold_case(name->value) == wanted) {
        return {name->value, entry->path().lexically_relative(root).string()};
      }
    }
  }
  return {id, {}};
}

Explanation explain_settings(const Explain& explain) {
  Explanation explanation;
  explanation.settings = explain.settings;
  explanation.client_blocks = explain.options.client_blocks;
  explanation.mistakes = explain.mistakes;
  for (EffectiveSetting& setting : explanation.settings) {
    const bool follows = setting.name == "state-dir" && setting.is_default() && !explain.options.watch_dirs.empty();
    if (follows) setting.holds.value = state_directory(explain.options).string();
  }
  if (explain.client_id.empty()) return explanation;
  explanation.client = find_client(explain.options, explain.client_id);
  const auto own = explain_client(explain.options.client, explanation.settings, explain.options.client_blocks,
                                  explanation.client->id, explanation.client->path);
  for (const EffectiveSetting& setting : own) {
    const auto known = std::ranges::find(explanation.settings, setting.name, &EffectiveSetting::name);
    if (known == explanation.settings.end()) {
      explanation.settings.push_back(setting);
    } else {
      *known = setting;
    }
  }
  return explanation;
}

// What the state directory knows, or what is supposed instead.
base::Result<std::vector<engine::ClientRates>> rates_of(const Explain& explain) {
  const SupposedWriting& supposed = explain.supposed;
  if (supposed.commits_per_day > 0) {
    engine::ClientRates one;
    one.id = explain.client_id.empty() ? "supposed" : explain.client_id;
    const auto interval = explain.options.client.sync_interval;
    one.writing.commits_per_day = std::min(supposed.commits_per_day, std::chrono::hours(24) / Seconds(interval));
    one.sizes = history::ObjectSizes(supposed.commit_kb * 1024, supposed.database_mb * 1024 * 1024);
    return std::vector(static_cast<std::size_t>(supposed.clients), one);
  }
  if (explain.options.state_dir.empty() && explain.options.watch_dirs.empty()) {
    return base::fail(base::Category::invalid,
                      "whose cost? Name the daemon's state directory with -state-dir (or -watch-dir), or suppose "
                      "something with -commits-per-day");
  }
  const std::filesystem::path file = state_directory(explain.options) / "state.db";
  auto rates = engine::read_write_rates(file, base::system_clock().unix_now());
  if (!rates && rates.error().category == base::Category::not_found) {
    return base::fail(base::Category::not_found,
                      "no daemon has used " + file.parent_path().string() +
                          ": name its state directory with -state-dir, or suppose something with -commits-per-day");
  }
  if (!rates || explain.client_id.empty()) return rates;
  const std::string wanted = fleet::fold_case(explain.client_id);
  std::erase_if(*rates, [&](const engine::ClientRates& client) { return fleet::fold_case(client.id) != wanted; });
  if (rates->empty()) {
    return base::fail(base::Category::not_found, "the state directory knows no client " + explain.client_id);
  }
  return rates;
}

// As the daemon's: blocks match a client's path below its watched directory.
std::string path_below(const Options& options, const fs::path& path) {
  for (const auto& watched : options.watch_dirs) {
    const std::string below = path.lexically_relative(fleet::resolve_watch_dir(watched)).string();
    if (!below.empty() && !below.starts_with("..")) return below;
  }
  return path.string();
}

ExitCode explain_cost(const Explain& explain) {
  const auto rates = rates_of(explain);
  if (!rates) {
    std::fprintf(stderr, "litestream-manager: %s\n", rates.error().message.c_str());
    return exit_code_for(rates.error().category);
  }
  ClientPolicies policies(explain.options.client, explain.options.client_blocks);
  const auto retention_of = [&](const engine::ClientRates& client) {
    return policies.of(client.id, path_below(explain.options, client.path))->retention;
  };
  const CostReport report = cost_report(*rates, retention_of, explain.options.prices,
                                        {explain.options.verify_every, explain.options.audit_every});
  const std::string text = explain.json ? cost_json(report) : cost_text(report);
  const bool written = std::fputs(text.c_str(), stdout) >= 0 && std::fflush(stdout) == 0;
  return written ? ExitCode::done : ExitCode::failed;
}

ExitCode show_settings(const Explain& explain) {
  const Explanation explanation = explain_settings(explain);
  const std::string text = explain.json ? explanation_json(explanation) : explanation_text(explanation);
  const bool written = std::fputs(text.c_str(), stdout) >= 0 && std::fflush(stdout) == 0;
  for (const std::string& mistake : explanation.mistakes) {
    std::fprintf(stderr, "litestream-manager: %s\n", mistake.c_str());
  }
  if (!explanation.mistakes.empty()) return ExitCode::wrong_usage;
  return written ? ExitCode::done : ExitCode::failed;
}

}  // namespace

ExitCode run_explain(const Explain& explain) {
  if (explain.cost && explain.mistakes.empty()) return explain_cost(explain);
  return show_settings(explain);
}

}  // namespace cli
