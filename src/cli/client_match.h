// Patterns of [[client]] blocks: which clients a block speaks of.
//
//   *  any characters, a slash too, also none      ?  one character, not a slash      anything else  itself
//
// A pattern matches a client if it matches its whole id ("0a1b..."; case does not count) or its file's whole path below
// the watched directory ("acme/0a1b....db"). "acme/*" is everything below acme.
#pragma once

#include <string_view>

#include "base/error.h"

namespace cli {

// Category::invalid: empty, beginning with a slash (paths are relative), or with [ ] { } \ in it, which mean something
// in other patterns and nothing here.
base::Result<> check_pattern(std::string_view pattern);

bool matches_client(std::string_view pattern, std::string_view id, std::string_view path);

}  // namespace cli
