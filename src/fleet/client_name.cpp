#include "fleet/client_name.h"

#include <array>
#include <cctype>

namespace fleet {

namespace {

constexpr std::size_t kGuidLength = 36;
constexpr std::array<std::string_view, 3> kExtensions{".db", ".sqlite", ".sqlite3"};
constexpr std::string_view kLog = "-wal", kIndex = "-shm", kJournal = "-journal";

bool is_guid(std::string_view text) {
  if (text.size() != kGuidLength) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? text[i] != '-' : std::isxdigit(static_cast<unsigned char>(text[i])) == 0) return false;
  }
  return true;
}

}  // namespace

std::optional<base::DatabaseId> parse_client_name(std::string_view name) {
  for (const std::string_view extension : kExtensions) {
    if (name.size() == kGuidLength + extension.size() && name.ends_with(extension) &&
        is_guid(name.substr(0, kGuidLength))) {
      return base::DatabaseId{std::string(name.substr(0, kGuidLength))};
    }
  }
  return std::nullopt;
}

std::string fold_case(std::string_view id) {
  std::string folded(id);
  for (char& c : folded) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return folded;
}

std::optional<ClientFile> parse_client_file(std::string_view name) {
  FileRole role = FileRole::database;
  std::string_view database = name;
  const auto strip = [&](std::string_view suffix, FileRole as) {
    if (role != FileRole::database || !name.ends_with(suffix)) return;
    role = as;
    database = name.substr(0, name.size() - suffix.size());
  };
  strip(kLog, FileRole::log);
  strip(kIndex, FileRole::index);
  strip(kJournal, FileRole::journal);
  if (!parse_client_name(database)) return std::nullopt;
  return ClientFile{database, role};
}

std::string companion_to_open(std::string_view created) {
  const auto file = parse_client_file(created);
  if (!file) return {};
  if (file->role == FileRole::log) return std::string(file->database_name) + std::string(kIndex);
  if (file->role == FileRole::index) return std::string(file->database_name) + std::string(kLog);
  return {};
}

}  // namespace fleet
