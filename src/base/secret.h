// A string that never reaches a log, an error, a URL or the dashboard by accident: it has no conversion to text, and
// fmt and streams do not know it. reveal() is called only where a signature or header is made.
#pragma once

#include <string>
#include <utility>

namespace base {

class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string value) : value_(std::move(value)) {}
  [[nodiscard]] const std::string& reveal() const { return value_; }
  [[nodiscard]] bool empty() const { return value_.empty(); }

 private:
  std::string value_;
};

}  // namespace base
