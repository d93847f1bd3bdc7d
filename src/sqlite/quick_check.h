// Does a database file hold together? For restored copies.
#pragma once

#include <cstdint>
#include <filesystem>
#include <stop_token>

#include "base/error.h"

namespace sqlite {

enum class CheckKind : std::uint8_t {
  quick,  // page structure and rows; skips comparing indexes with their tables
  full,   // everything that SQLite can check
};

// Reads the whole file once (full: indexes in random order besides). The file must be closed and complete: a log beside
// it is ignored, and nothing is created beside it. corrupt: the message is SQLite's first finding. not_found, denied,
// io; cancelled once `stop` is requested.
base::Result<> check_database(const std::filesystem::path& path, CheckKind kind, const std::stop_token& stop = {});

}  // namespace sqlite
