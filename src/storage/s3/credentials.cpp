#include "storage/s3/credentials.h"

#include <cstdlib>

#include <fmt/format.h>

namespace storage::s3 {

namespace {

constexpr std::uint64_t kFileBytesMax = 1U << 20;
constexpr std::chrono::seconds kCheckEvery{1};

std::string_view trim(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

std::optional<std::string> variable(const Environment& environment, std::string_view name) {
  auto value = environment(name);
  if (value && value->empty()) return std::nullopt;
  return value;
}

std::string profile(const Environment& environment) {
  return variable(environment, "AWS_PROFILE").value_or("default");
}

// Empty if no home directory is known.
std::string path_of(const Environment& environment, std::string_view name, std::string_view below_home) {
  if (auto path = variable(environment, name)) return *std::move(path);
  const auto home = variable(environment, "HOME");
  return home ? fmt::format("{}/{}", *home, below_home) : std::string();
}

// Orchestrators mount secrets as symbolic links that they swing to new files, so links are followed here.
base::Result<os::fs::path> resolve(const std::string& path) {
  std::error_code error;
  os::fs::path resolved = os::fs::canonical(path, error);
  if (error) return base::fail(base::Category::not_found, fmt::format("{}: {}", path, error.message()));
  return resolved;
}

base::Result<std::string> read_settings(const os::fs::path& path) {
  TRY_ASSIGN(const os::File file, os::File::open_read_only(path));
  TRY_ASSIGN(const os::FileStat stat, file.stat());
  if (stat.size_bytes > kFileBytesMax) {
    return base::fail(base::Category::invalid, path.string() + " is too large for a settings file");
  }
  base::Bytes bytes(stat.size_bytes);
  TRY_ASSIGN(const std::size_t read, file.read_at(0, bytes));
  return std::string(base::as_text(base::ByteView(bytes).first(read)));
}

std::unexpected<base::Error> nothing_found(std::string_view why) {
  return base::fail(
      base::Category::denied,
      fmt::format("no S3 credentials: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not both set, and {}. "
                  "Set the two variables or write the profile",
                  why));
}

base::Result<Credentials> parse_credentials(std::string_view text, const std::string& section,
                                            const std::string& path) {
  const auto key_id = find_setting(text, section, "aws_access_key_id");
  const auto secret = find_setting(text, section, "aws_secret_access_key");
  if (!key_id || !secret) {
    return nothing_found(fmt::format("{} has no [{}] with aws_access_key_id and aws_secret_access_key", path, section));
  }
  const auto token = find_setting(text, section, "aws_session_token");
  return Credentials{*key_id, base::Secret(*secret), base::Secret(token.value_or(""))};
}

}  // namespace

Environment process_environment() {
  return [](std::string_view name) -> std::optional<std::string> {
    const char* value = std::getenv(std::string(name).c_str());
    if (value == nullptr) return std::nullopt;
    return value;
  };
}

std::optional<std::string> find_setting(std::string_view file_text, std::string_view section, std::string_view key) {
  bool inside = false;
  std::optional<std::string> found;
  while (!file_text.empty()) {
    const std::size_t end = std::min(file_text.find('\n'), file_text.size());
    const std::string_view line = trim(file_text.substr(0, end));
    file_text.remove_prefix(std::min(end + 1, file_text.size()));
    if (line.empty() || line.front() == '#' || line.front() == ';') continue;
    if (line.front() == '[') {
      inside = line.back() == ']' && trim(line.substr(1, line.size() - 2)) == section;
      continue;
    }
    const std::size_t equals = line.find('=');
    if (!inside || equals == std::string_view::npos || trim(line.substr(0, equals)) != key) continue;
    const std::string_view value = trim(line.substr(equals + 1));
    if (!value.empty()) found = value;
  }
  return found;
}

DefaultCredentials::DefaultCredentials(Environment environment, const base::Clock& clock)
    : environment_(std::move(environment)), clock_(clock) {}

base::Result<Credentials> DefaultCredentials::current() {
  const auto key_id = variable(environment_, "AWS_ACCESS_KEY_ID");
  const auto secret = variable(environment_, "AWS_SECRET_ACCESS_KEY");
  if (key_id && secret) {
    return Credentials{*key_id, base::Secret(*secret),
                       base::Secret(variable(environment_, "AWS_SESSION_TOKEN").value_or(""))};
  }
  const std::scoped_lock lock(mutex_);
  const base::SteadyTime now = clock_.steady_now();
  if (!checked_ || now - *checked_ >= kCheckEvery) {
    checked_ = now;
    known_ = from_file();
  }
  return known_;
}

base::Result<Credentials> DefaultCredentials::from_file() {
  const std::string path = path_of(environment_, "AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials");
  if (path.empty()) return nothing_found("neither AWS_SHARED_CREDENTIALS_FILE nor HOME is set");
  const auto resolved = resolve(path);
  const auto stat = resolved ? os::stat_path(*resolved) : base::Result<os::FileStat>(std::unexpected(resolved.error()));
  if (!stat) {
    seen_.reset();
    return nothing_found(fmt::format("the credentials file cannot be used: {}", stat.error().message));
  }
  if (known_ && seen_ == *stat) return known_;
  const auto text = read_settings(*resolved);
  if (!text) {
    seen_.reset();
    return nothing_found(fmt::format("the credentials file cannot be used: {}", text.error().message));
  }
  seen_ = *stat;
  return parse_credentials(*text, profile(environment_), path);
}

std::optional<std::string> find_region(const Environment& environment) {
  for (const char* name : {"AWS_REGION", "AWS_DEFAULT_REGION"}) {
    if (auto region = variable(environment, name)) return region;
  }
  const std::string path = path_of(environment, "AWS_CONFIG_FILE", ".aws/config");
  if (path.empty()) return std::nullopt;
  const auto resolved = resolve(path);
  if (!resolved) return std::nullopt;
  const auto text = read_settings(*resolved);
  if (!text) return std::nullopt;
  const std::string name = profile(environment);
  // In this file, unlike in the other, every profile but the default one has the word before its name.
  if (name == "default") return find_setting(*text, "default", "region");
  return find_setting(*text, "profile " + name, "region");
}

}  // namespace storage::s3
