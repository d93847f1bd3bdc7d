// What verifications found, per client: verifications.db in the state directory. Written by the daemon's schedule and
// by the command, also at the same time.
//
// SQLite in WAL mode. Thread safe by one connection per object and thread. Errors: the file cannot be opened, read or
// written (denied, io, corrupt), naming it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/types.h"
#include "engine/verify.h"
#include "sqlite/connection.h"

namespace engine {

struct VerificationRecord {
  base::DatabaseId id;
  base::UnixMillis at{0};
  BackupVerdict verdict = BackupVerdict::ok;
  base::Txid txid;
  std::chrono::milliseconds duration{0};
  std::uint64_t read_bytes = 0;
  SourceComparison source = SourceComparison::not_compared;
  std::string object;  // of the worst finding
  std::string text;    // the worst finding; empty: none
  friend bool operator==(const VerificationRecord&, const VerificationRecord&) = default;
};

VerificationRecord to_record(const base::DatabaseId& id, const VerifyReport& report);

class VerificationLog {
 public:
  static constexpr int kKeptPerClient = 100;

  // Creates the file where there is none.
  static base::Result<VerificationLog> open(const std::filesystem::path& file);

  // The oldest ones of the client go, beyond kKeptPerClient.
  base::Result<> add(const VerificationRecord& record);
  // Newest first.
  base::Result<std::vector<VerificationRecord>> of_client(const base::DatabaseId& id, int limit);
  // The newest of each client.
  base::Result<std::vector<VerificationRecord>> newest();

 private:
  VerificationLog(sqlite::Connection connection, std::filesystem::path file)
      : connection_(std::move(connection)), file_(std::move(file)) {}
  base::Result<std::vector<VerificationRecord>> read(sqlite::Statement& rows);
  template <typename T>
  base::Result<T> name(base::Result<T> result) const;

  sqlite::Connection connection_;
  std::filesystem::path file_;
};

}  // namespace engine
