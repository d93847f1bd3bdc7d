// The dashboard's files, built into the program from the repository's web/ folder by embed_assets.cmake.
#pragma once

#include <span>
#include <string_view>

namespace web {

struct Asset {
  std::string_view path;  // "/" or "/app.js"
  std::string_view content_type;
  std::string_view hash;  // of the content, hex
  std::string_view content;
};

// All of them; lives as long as the process.
std::span<const Asset> assets();

}  // namespace web
