// Operations as JSON. Fields are added, never given another meaning.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "web/operations.h"

namespace web {

// One object; what does not apply is null.
std::string render_operation(const Operation& operation);
// {"operations": [...], "tokenFile": ...}; `token_file` empty: null, nothing can be started here.
std::string render_operations(const std::vector<Operation>& operations, std::string_view token_file);

}  // namespace web
