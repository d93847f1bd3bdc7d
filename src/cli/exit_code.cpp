#include "cli/exit_code.h"

namespace cli {

ExitCode exit_code_for(base::Category category) {
  switch (category) {
    case base::Category::invalid:
      return ExitCode::wrong_usage;
    case base::Category::not_found:
      return ExitCode::not_found;
    case base::Category::corrupt:
      return ExitCode::verification_failed;
    case base::Category::conflict:
      return ExitCode::conflict;
    case base::Category::retry_later:
    case base::Category::throttled:
    case base::Category::denied:
    case base::Category::unsupported:
    case base::Category::cancelled:
    case base::Category::io:
      return ExitCode::failed;
  }
  return ExitCode::failed;
}

}  // namespace cli
