// A configuration file. Whatever is refused has a place inside the file and says something; what is accepted holds for
// a client without a further question; and a secret is never repeated, whatever stands before it.
#include <string>

#include "cli/client_policies.h"
#include "cli/config_check.h"
#include "cli/settings.h"
#include "fuzz.h"

namespace {

void accepted_values_hold(const cli::ConfigFile& file) {
  cli::Options options;
  const auto settings = cli::daemon_settings(options);
  for (const cli::ConfigValue& value : file.values) {
    const cli::Setting* setting = cli::find_setting(settings, value.name);
    MUST(setting != nullptr && !value.texts.empty());
    for (const std::string& text : value.texts) {
      MUST((setting->add ? setting->add(text) : setting->assign(text)).has_value());
    }
    MUST(!setting->current().empty());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input(data, size);
  const bool with_secret = input.byte() % 4 == 1;
  std::string text(input.text());
  if (with_secret) text += "\nsecret-access-key = \"Xq7Zt9pLw\"\n";
  const cli::ConfigFile file = cli::check_config(text, "f");
  MUST(!with_secret || !file.mistakes.empty());
  for (const std::string& mistake : file.mistakes) {
    MUST(mistake.starts_with("f:") && mistake.size() > 15);
    MUST(mistake.find("Xq7Zt9pLw") == std::string::npos);
  }
  accepted_values_hold(file);
  if (!file.mistakes.empty()) return 0;
  cli::ClientPolicies policies({}, file.clients);
  MUST(policies.of("0a1b2c3d-0000-4000-8000-00000000000f", "acme/0a1b2c3d-0000-4000-8000-00000000000f.db") != nullptr);
  return 0;
}
