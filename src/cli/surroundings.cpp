#include "cli/surroundings.h"

#include <fstream>
#include <sstream>

#include <unistd.h>

#include "storage/s3/credentials.h"

namespace cli {
namespace {

namespace fs = std::filesystem;
using base::Category;
using base::fail;

constexpr std::uintmax_t kConfigBytesMax = 4U << 20;

std::vector<std::string> names_of_process() {
  std::vector<std::string> names;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    names.emplace_back(text.substr(0, text.find('=')));
  }
  return names;
}

// Follows symbolic links: that is how a mounted ConfigMap looks.
base::Result<std::string> read_small_file(const fs::path& path) {
  std::error_code failure;
  const fs::file_status status = fs::status(path, failure);
  if (!fs::exists(status)) {
    const bool missing = status.type() == fs::file_type::not_found;
    return fail(missing ? Category::not_found : Category::denied,
                missing ? "there is no such file" : failure.message());
  }
  if (!fs::is_regular_file(status)) return fail(Category::invalid, "this is not a regular file");
  if (const auto bytes = fs::file_size(path, failure); failure || bytes > kConfigBytesMax) {
    return fail(Category::invalid, failure ? failure.message() : "this is too large for a configuration");
  }
  std::ifstream file(path, std::ios::binary);
  if (!file) return fail(Category::denied, "it cannot be opened; may this user read it?");
  std::ostringstream content;
  content << file.rdbuf();
  if (file.bad()) return fail(Category::io, "it cannot be read to its end");
  return std::move(content).str();
}

}  // namespace

Surroundings empty_surroundings() {
  return {[](std::string_view) { return std::nullopt; }, [] { return std::vector<std::string>(); },
          [](const fs::path&) { return fail(Category::not_found, "there is no such file"); }};
}

Surroundings process_surroundings() {
  return {storage::s3::process_environment(), names_of_process, read_small_file};
}

}  // namespace cli
