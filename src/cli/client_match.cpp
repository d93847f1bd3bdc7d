#include "cli/client_match.h"

#include <string>

namespace cli {
namespace {

enum class Case : std::uint8_t { counts, ignored };

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool same(char pattern, char c, Case letters) {
  if (pattern == '?') return c != '/';
  return letters == Case::ignored ? lower(pattern) == lower(c) : pattern == c;
}

// Going back only to the last star is enough: what an earlier one could take, the last one can as well.
bool glob(std::string_view pattern, std::string_view text, Case letters) {
  std::size_t p = 0;
  std::size_t t = 0;
  std::size_t star = std::string_view::npos;
  std::size_t star_text = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      star_text = t;
    } else if (p < pattern.size() && same(pattern[p], text[t], letters)) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++star_text;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

}  // namespace

base::Result<> check_pattern(std::string_view pattern) {
  if (pattern.empty()) {
    return base::fail(base::Category::invalid, "match is empty; write an id, a path or a pattern such as \"acme/*\"");
  }
  if (pattern.starts_with('/')) {
    return base::fail(base::Category::invalid,
                      "match begins with a slash, but paths are those below the watched directory; write \"acme/*\"");
  }
  if (const std::size_t odd = pattern.find_first_of("[]{}\\"); odd != std::string_view::npos) {
    return base::fail(base::Category::invalid, "match knows only * and ?, but has '" + std::string(1, pattern[odd]) +
                                                   "' in it; write ? for one character");
  }
  return {};
}

bool matches_client(std::string_view pattern, std::string_view id, std::string_view path) {
  return glob(pattern, id, Case::ignored) || glob(pattern, path, Case::counts);
}

}  // namespace cli
