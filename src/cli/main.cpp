// The program: parses the command line and hands over to one command.
#include <cstdio>
#include <exception>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/log.h"
#include "cli/audit_command.h"
#include "cli/command_line.h"
#include "cli/daemon_command.h"
#include "cli/exit_code.h"
#include "cli/explain_command.h"
#include "cli/pin_command.h"
#include "cli/points_command.h"
#include "cli/purge_command.h"
#include "cli/query_command.h"
#include "cli/restore_all_command.h"
#include "cli/restore_command.h"
#include "cli/retention_command.h"
#include "cli/surroundings.h"
#include "cli/takeover_command.h"
#include "cli/verify_command.h"
#include "cli/version.h"

namespace {

using cli::ExitCode;

int print(const std::string& text) {
  const bool written = std::fputs(text.c_str(), stdout) >= 0 && std::fflush(stdout) == 0;
  return std::to_underlying(written ? ExitCode::done : ExitCode::failed);
}

struct RunCommand {
  const std::vector<std::string>& arguments;

  int operator()(const cli::RunDaemon& command) const {
    base::log::configure(command.options.log.level, command.options.log.format);
    return cli::run_daemon(command, [this] { return cli::parse_command_line(arguments, cli::process_surroundings()); });
  }
  int operator()(const cli::Restore& command) const {
    base::log::configure(command.request.log.level, command.request.log.format);
    return std::to_underlying(cli::run_restore(command.request));
  }
  int operator()(const cli::Pins& command) const {
    base::log::configure(command.request.log.level, command.request.log.format);
    return std::to_underlying(cli::run_pins(command.request));
  }
  int operator()(const cli::ShowRetention& command) const {
    base::log::configure(command.request.common.log.level, command.request.common.log.format);
    return std::to_underlying(cli::run_retention(command.request));
  }
  int operator()(const cli::Purge& command) const {
    base::log::configure(command.request.common.log.level, command.request.common.log.format);
    return std::to_underlying(cli::run_purge(command.request));
  }
  int operator()(const cli::Audit& command) const {
    base::log::configure(command.request.common.log.level, command.request.common.log.format);
    return std::to_underlying(cli::run_audit(command.request));
  }
  int operator()(const cli::TakeOver& command) const {
    base::log::configure(command.request.log.level, command.request.log.format);
    return std::to_underlying(cli::run_takeover(command.request));
  }
  int operator()(const cli::Explain& command) const { return std::to_underlying(cli::run_explain(command)); }
  int operator()(const cli::ListPoints& command) const {
    base::log::configure(command.request.log.level, command.request.log.format);
    return std::to_underlying(cli::run_points(command.request));
  }
  int operator()(const cli::RestoreAll& command) const {
    base::log::configure(command.request.log.level, command.request.log.format);
    return std::to_underlying(cli::run_restore_all(command.request));
  }
  int operator()(const cli::Verify& command) const {
    base::log::configure(command.request.log.level, command.request.log.format);
    return std::to_underlying(cli::run_verify(command.request));
  }
  int operator()(const cli::Query& command) const {
    base::log::configure(command.request.log.level, command.request.log.format);
    return std::to_underlying(cli::run_query(command.request));
  }
  int operator()(const cli::ShowVersion&) const { return print(cli::version_text()); }
  int operator()(const cli::ShowHelp& command) const { return print(command.text); }
};

int run(const std::vector<std::string>& arguments) {
  const auto command = cli::parse_command_line(arguments, cli::process_surroundings());
  if (!command) {
    std::fprintf(stderr, "litestream-manager: %s\n", command.error().message.c_str());
    return std::to_underlying(ExitCode::wrong_usage);
  }
  return std::visit(RunCommand{arguments}, *command);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run({argv + (argc > 0 ? 1 : 0), argv + argc});
  } catch (const std::exception& e) {
    std::fprintf(stderr, "litestream-manager: unexpected failure: %s\n", e.what());
    return std::to_underlying(ExitCode::failed);
  }
}
