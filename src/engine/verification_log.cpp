#include "engine/verification_log.h"

#include <utility>

namespace engine {
namespace {

constexpr char kSchema[] = R"sql(
PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;
CREATE TABLE IF NOT EXISTS verifications(
  client TEXT NOT NULL, at_ms INTEGER NOT NULL, verdict INTEGER NOT NULL, txid INTEGER NOT NULL,
  duration_ms INTEGER NOT NULL, read_bytes INTEGER NOT NULL, source INTEGER NOT NULL, object TEXT NOT NULL,
  text TEXT NOT NULL, PRIMARY KEY(client, at_ms)) WITHOUT ROWID;
)sql";
constexpr char kColumns[] = "client, at_ms, verdict, txid, duration_ms, read_bytes, source, object, text";

constexpr std::chrono::milliseconds kBusyTimeout{5000};

}  // namespace

VerificationRecord to_record(const base::DatabaseId& id, const VerifyReport& report) {
  VerificationRecord record{.id = id,
                            .at = report.at,
                            .verdict = report.verdict,
                            .txid = report.state.txid,
                            .duration = report.duration,
                            .read_bytes = report.state.downloaded_bytes,
                            .source = report.source,
                            .object = {},
                            .text = {}};
  if (!report.findings.empty()) {
    record.object = report.findings.front().object;
    record.text = report.findings.front().text;
  }
  return record;
}

template <typename T>
base::Result<T> VerificationLog::name(base::Result<T> result) const {
  if (result) return result;
  return base::fail(result.error().with_context(file_.string()));
}

base::Result<VerificationLog> VerificationLog::open(const std::filesystem::path& file) {
  auto connection = sqlite::Connection::open(file, sqlite::OpenMode::read_write_create, {kBusyTimeout, 64});
  if (!connection) return base::fail(connection.error().with_context(file.string()));
  if (auto prepared = connection->execute(kSchema); !prepared) {
    return base::fail(prepared.error().with_context(file.string()));
  }
  return VerificationLog(*std::move(connection), file);
}

base::Result<> VerificationLog::add(const VerificationRecord& record) {
  const auto write = [&]() -> base::Result<> {
    TRY_ASSIGN(auto transaction, sqlite::Transaction::begin(connection_));
    TRY_ASSIGN(auto insert,
               connection_.prepare("INSERT OR REPLACE INTO verifications VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9)"));
    insert.bind(1, std::string_view(record.id.value)).bind(2, record.at.count());
    insert.bind(3, static_cast<std::int64_t>(record.verdict)).bind(4, static_cast<std::int64_t>(record.txid.value));
    insert.bind(5, record.duration.count()).bind(6, static_cast<std::int64_t>(record.read_bytes));
    insert.bind(7, static_cast<std::int64_t>(record.source)).bind(8, std::string_view(record.object));
    TRY(insert.bind(9, std::string_view(record.text)).run());
    TRY_ASSIGN(auto thin, connection_.prepare("DELETE FROM verifications WHERE client=?1 AND at_ms<=(SELECT at_ms FROM "
                                              "verifications WHERE client=?1 ORDER BY at_ms DESC LIMIT 1 OFFSET ?2)"));
    TRY(thin.bind(1, std::string_view(record.id.value)).bind(2, std::int64_t{kKeptPerClient}).run());
    return transaction.commit();
  };
  return name(write());
}

base::Result<std::vector<VerificationRecord>> VerificationLog::read(sqlite::Statement& rows) {
  std::vector<VerificationRecord> records;
  for (;;) {
    TRY_ASSIGN(const bool found, rows.step());
    if (!found) return records;
    records.push_back({.id = base::DatabaseId{std::string(rows.text(0))},
                       .at = base::UnixMillis{rows.integer(1)},
                       .verdict = static_cast<BackupVerdict>(rows.integer(2)),
                       .txid = base::Txid{static_cast<std::uint64_t>(rows.integer(3))},
                       .duration = std::chrono::milliseconds(rows.integer(4)),
                       .read_bytes = static_cast<std::uint64_t>(rows.integer(5)),
                       .source = static_cast<SourceComparison>(rows.integer(6)),
                       .object = std::string(rows.text(7)),
                       .text = std::string(rows.text(8))});
  }
}

base::Result<std::vector<VerificationRecord>> VerificationLog::of_client(const base::DatabaseId& id, int limit) {
  auto rows = connection_.prepare(std::string("SELECT ") + kColumns +
                                  " FROM verifications WHERE client=?1 ORDER BY at_ms DESC LIMIT ?2");
  if (!rows) return base::fail(rows.error().with_context(file_.string()));
  rows->bind(1, std::string_view(id.value)).bind(2, std::int64_t{limit});
  return name(read(*rows));
}

base::Result<std::vector<VerificationRecord>> VerificationLog::newest() {
  auto rows = connection_.prepare(std::string("SELECT ") + kColumns +
                                  " FROM verifications AS v WHERE at_ms=(SELECT max(at_ms) FROM verifications WHERE "
                                  "client=v.client) ORDER BY client");
  if (!rows) return base::fail(rows.error().with_context(file_.string()));
  return name(read(*rows));
}

}  // namespace engine
