// Exit codes: the one promise that scripts around us build on.
#pragma once

#include "base/error.h"

namespace cli {

enum class ExitCode : int {
  done = 0,
  failed = 1,
  wrong_usage = 2,
  not_found = 3,
  verification_failed = 4,
  conflict = 5,
};

ExitCode exit_code_for(base::Category category);

}  // namespace cli
