#include "base/error.h"

namespace base {

std::string_view to_string(Category category) {
  switch (category) {
    case Category::retry_later:
      return "retry_later";
    case Category::throttled:
      return "throttled";
    case Category::not_found:
      return "not_found";
    case Category::conflict:
      return "conflict";
    case Category::denied:
      return "denied";
    case Category::corrupt:
      return "corrupt";
    case Category::unsupported:
      return "unsupported";
    case Category::invalid:
      return "invalid";
    case Category::cancelled:
      return "cancelled";
    case Category::io:
      return "io";
  }
  return "unknown";
}

Error Error::with_context(std::string_view context) const {
  Error copy = *this;
  copy.message = std::string(context) + ": " + message;
  return copy;
}

bool is_transient(Category category) {
  return category == Category::retry_later || category == Category::throttled;
}

}  // namespace base
