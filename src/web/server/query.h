// The query part of a URL: "state=live&q=a%20b+c".
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"

namespace web {

using QueryParameters = std::vector<std::pair<std::string, std::string>>;

// In the order written; a name without '=' has an empty value. Category::invalid for a broken percent sequence.
base::Result<QueryParameters> parse_query(std::string_view query);

}  // namespace web
