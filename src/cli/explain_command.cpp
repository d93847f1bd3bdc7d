#include "cli/explain_command.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <string>
#include <utility>

#include "cli/client_policies.h"
#include "cli/explanation.h"
#include "fleet/client_name.h"
#include "fleet/fleet.h"

namespace cli {
namespace {

namespace fs = std::filesystem;

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

}  // namespace

ExitCode run_explain(const Explain& explain) {
  const Explanation explanation = explain_settings(explain);
  const std::string text = explain.json ? explanation_json(explanation) : explanation_text(explanation);
  const bool written = std::fputs(text.c_str(), stdout) >= 0 && std::fflush(stdout) == 0;
  for (const std::string& mistake : explanation.mistakes) {
    std::fprintf(stderr, "litestream-manager: %s\n", mistake.c_str());
  }
  if (!explanation.mistakes.empty()) return ExitCode::wrong_usage;
  return written ? ExitCode::done : ExitCode::failed;
}

}  // namespace cli
