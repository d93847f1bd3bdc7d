// argv and what surrounds it to one command as a plain value. Prints nothing; what it asks outside goes through
// Surroundings.
#pragma once

#include <span>
#include <string>
#include <variant>
#include <vector>

#include "base/error.h"
#include "cli/config.h"
#include "cli/layers.h"
#include "cli/surroundings.h"

namespace cli {

struct RunDaemon {
  Options options;
  std::vector<EffectiveSetting> settings;  // the same, each with its origin
};
// The settings that the daemon would have, also where it would refuse to start.
struct Explain {
  Options options;
  std::vector<EffectiveSetting> settings;
  std::vector<std::string> mistakes;  // why it would refuse
  std::string client_id;              // empty: all
  bool json = false;
  bool cost = false;  // what they will cost instead
  SupposedWriting supposed;
};
struct Restore {
  RestoreRequest request;
};
struct ListPoints {
  PointsRequest request;
};
struct RestoreAll {
  RestoreAllRequest request;
};
struct Verify {
  VerifyRequest request;
};
struct Query {
  QueryRequest request;
};
struct Pins {
  PinRequest request;
};
struct ShowRetention {
  RetentionRequest request;
};
struct Purge {
  PurgeRequest request;
};
struct Audit {
  AuditRequest request;
};
struct TakeOver {
  TakeoverRequest request;
};
struct ShowVersion {};
struct ShowHelp {
  std::string text;
};

using Command = std::variant<RunDaemon, Restore, ListPoints, RestoreAll, Verify, Query, Pins, ShowRetention, Purge,
                             Audit, TakeOver, Explain, ShowVersion, ShowHelp>;

// `arguments` without the program's name. Without a subcommand: the daemon. Category::invalid, the only error: the
// message tells what is wrong, how to mend it, and the usage line of the command that was meant. Exit with
// ExitCode::wrong_usage.
base::Result<Command> parse_command_line(std::span<const std::string> arguments,
                                         const Surroundings& surroundings = empty_surroundings());

}  // namespace cli
