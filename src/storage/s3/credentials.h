// Who we are to S3, and in which region: from the places that AWS's own tools look at, in their order.
//
//   credentials   1. AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN
//                 2. profile AWS_PROFILE (else "default") in AWS_SHARED_CREDENTIALS_FILE (else ~/.aws/credentials)
//   region        1. AWS_REGION  2. AWS_DEFAULT_REGION  3. `region` of the profile in AWS_CONFIG_FILE (else
//   ~/.aws/config)
//
// A variable that is set but empty counts as not set.
#pragma once

#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"
#include "base/secret.h"
#include "os/file.h"

namespace storage::s3 {

struct Credentials {
  std::string access_key_id;
  base::Secret secret_access_key;
  base::Secret session_token;  // empty: none
};

// Asked before every request, so that rotated keys are taken up without a restart. Any thread; must not block for long.
class CredentialsProvider {
 public:
  virtual ~CredentialsProvider() = default;
  // Category::denied when there are none; the message says where was looked and how to mend it.
  virtual base::Result<Credentials> current() = 0;
};

// The value of an environment variable, or nullopt.
using Environment = std::function<std::optional<std::string>(std::string_view name)>;
Environment process_environment();

class FixedCredentials final : public CredentialsProvider {
 public:
  explicit FixedCredentials(Credentials credentials) : credentials_(std::move(credentials)) {}
  base::Result<Credentials> current() override { return credentials_; }

 private:
  const Credentials credentials_;
};

// The order above. The file is looked at again at most once a second and read again when it has changed.
class DefaultCredentials final : public CredentialsProvider {
 public:
  explicit DefaultCredentials(Environment environment, const base::Clock& clock = base::system_clock());
  base::Result<Credentials> current() override;

 private:
  base::Result<Credentials> from_file();

  const Environment environment_;
  const base::Clock& clock_;
  std::mutex mutex_;
  std::optional<base::SteadyTime> checked_;  // guarded by mutex_, as the rest
  std::optional<os::FileStat> seen_;
  base::Result<Credentials> known_;
};

// nullopt if no place names one.
std::optional<std::string> find_region(const Environment& environment);

// `key = value` of one `[section]` of an AWS settings file. nullopt if absent or empty. Lines that are neither are
// skipped, as AWS's tools do; '#' and ';' begin a comment line.
std::optional<std::string> find_setting(std::string_view file_text, std::string_view section, std::string_view key);

}  // namespace storage::s3
