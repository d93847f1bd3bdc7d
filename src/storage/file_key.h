// Which keys may become paths below a file store's root. Pure.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

namespace storage {

// Category::invalid unless every component is a plain name: not empty, not "." or "..", without NUL or a leading '/',
// at most 255 bytes, and not the name of an unfinished upload. So no key can leave the root.
base::Result<> check_file_key(std::string_view key);

// Unfinished uploads stand beside their final name as "{final}.tmp-{16 hex digits}". Listings skip them.
std::string temporary_name(std::string_view final_name, std::string_view random_hex16);
bool is_temporary_name(std::string_view name);

}  // namespace storage
