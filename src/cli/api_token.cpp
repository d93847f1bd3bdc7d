#include "cli/api_token.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>

#include <fmt/format.h>
#include <openssl/rand.h>

#include "base/bytes.h"
#include "base/log.h"
#include "base/random.h"
#include "os/file.h"

namespace cli {
namespace {

namespace fs = std::filesystem;
using base::Category;

constexpr std::size_t kDigits = 64;

bool is_token(std::string_view text) {
  return text.size() == kDigits &&
         std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

// Not base/random.h: that is for names that nobody has to be unable to guess.
base::Result<std::string> make_token() {
  std::array<unsigned char, kDigits / 2> bytes{};
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) {
    return base::fail(Category::io, "no random numbers can be had for the API's token");
  }
  std::string token;
  for (const unsigned char byte : bytes) token += fmt::format("{:02x}", byte);
  return token;
}

// nullopt: there is none that can be trusted.
base::Result<std::optional<std::string>> read_token(const fs::path& path) {
  auto file = os::File::open_read_only(path);
  if (!file && file.error().category == Category::not_found) return std::nullopt;
  if (!file) return base::fail(std::move(file).error());
  TRY_ASSIGN(const os::FileStat stat, file->stat());
  std::error_code unreadable;
  const fs::perms mode = fs::symlink_status(path, unreadable).permissions();
  const bool ours = stat.is_regular && stat.owner_uid == os::effective_uid() && !unreadable &&
                    (mode & (fs::perms::group_all | fs::perms::others_all)) == fs::perms::none;
  base::Bytes bytes(kDigits + 2);
  TRY_ASSIGN(const std::size_t size, file->read_at(0, bytes));
  std::string text(reinterpret_cast<const char*>(bytes.data()), size);
  if (text.ends_with('\n')) text.pop_back();
  if (ours && is_token(text)) return text;
  base::log::warn("the API's token is made anew: its file holds something else, or was open to others",
                  {{"file", path.string()}});
  return std::nullopt;
}

}  // namespace

base::Result<base::Secret> load_api_token(const fs::path& file) {
  TRY_ASSIGN(auto known, read_token(file));
  if (known) return base::Secret(*std::move(known));
  TRY_ASSIGN(std::string token, make_token());
  // Beside it and then renamed, so that nobody ever reads half a token.
  const fs::path fresh = file.string() + ".tmp-" + base::random_hex(8);
  const auto write = [&]() -> base::Result<> {
    TRY_ASSIGN(os::File out, os::File::create_new(fresh));
    const std::string line = token + "\n";
    TRY(out.write_at(0, base::ByteView(reinterpret_cast<const std::uint8_t*>(line.data()), line.size())));
    TRY(out.sync());
    return os::rename_file(fresh, file);
  };
  if (auto written = write(); !written) {
    std::ignore = os::remove_file(fresh);
    return base::fail(written.error().with_context("the API's token"));
  }
  return base::Secret(std::move(token));
}

}  // namespace cli
