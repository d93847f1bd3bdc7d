// One application that commits as fast as it can, or at a steady rate, and tells how long each commit took. Built
// against the system's SQLite and against ours, so that neither version's habits pass for ours.
//
//   writer DATABASE SECONDS RATE SYNCHRONOUS ROW_BYTES
//
// RATE in commits a second, 0: a storm. Busy timeout 0: each SQLITE_BUSY is counted. Prints one line of JSON. A paced
// commit's latency counts from when it was due, so that a stall is charged to every commit that had to wait for it.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <sqlite3.h>
#include <sys/stat.h>

namespace {

using Clock = std::chrono::steady_clock;

struct Settings {
  std::string database;
  double seconds = 0;
  double rate = 0;
  std::string synchronous;
  int row_bytes = 0;
};

struct Report {
  std::vector<double> latencies_us;
  long busy = 0;
  long long wal_peak_bytes = 0;
  double seconds = 0;
};

struct CloseConnection {
  void operator()(sqlite3* connection) const { sqlite3_close(connection); }
};
struct FinalizeStatement {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using Connection = std::unique_ptr<sqlite3, CloseConnection>;
using Statement = std::unique_ptr<sqlite3_stmt, FinalizeStatement>;

[[noreturn]] void fail(sqlite3* connection, std::string_view operation) {
  std::fprintf(stderr, "writer: %.*s: %s\n", static_cast<int>(operation.size()), operation.data(),
               connection != nullptr ? sqlite3_errmsg(connection) : "out of memory");
  std::exit(1);
}

Connection open_database(const Settings& settings) {
  sqlite3* opened = nullptr;
  const int code = sqlite3_open(settings.database.c_str(), &opened);
  Connection connection(opened);
  if (code != SQLITE_OK) fail(opened, "open");
  // Setting up may meet another program for a moment; only the measured commits have no patience.
  sqlite3_busy_timeout(opened, 5000);
  const std::string setup = "PRAGMA journal_mode=WAL; PRAGMA synchronous=" + settings.synchronous +
                            "; CREATE TABLE IF NOT EXISTS items(id INTEGER PRIMARY KEY, body BLOB)";
  if (sqlite3_exec(opened, setup.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) fail(opened, "set up");
  sqlite3_busy_timeout(opened, 0);
  return connection;
}

long long file_bytes(const std::string& path) {
  struct stat facts{};
  return stat(path.c_str(), &facts) == 0 ? facts.st_size : 0;
}

// One commit. False: SQLITE_BUSY.
bool commit_row(sqlite3* connection, sqlite3_stmt* insert) {
  const int code = sqlite3_step(insert);
  sqlite3_reset(insert);
  if (code == SQLITE_DONE) return true;
  if ((code & 0xff) != SQLITE_BUSY) fail(connection, "insert");
  return false;
}

Report run(const Settings& settings) {
  const Connection connection = open_database(settings);
  sqlite3_stmt* prepared = nullptr;
  if (sqlite3_prepare_v2(connection.get(), "INSERT INTO items(body) VALUES(randomblob(?))", -1, &prepared, nullptr) !=
      SQLITE_OK) {
    fail(connection.get(), "prepare");
  }
  const Statement insert(prepared);
  sqlite3_bind_int(insert.get(), 1, settings.row_bytes);

  Report report;
  const std::string wal = settings.database + "-wal";
  const auto begin = Clock::now();
  const auto end = begin + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(settings.seconds));
  for (long n = 0; Clock::now() < end; ++n) {
    auto start = Clock::now();
    if (settings.rate > 0) {
      const std::chrono::duration<double> offset(static_cast<double>(n) / settings.rate);
      start = begin + std::chrono::duration_cast<Clock::duration>(offset);
      std::this_thread::sleep_until(start);
    }
    if (commit_row(connection.get(), insert.get())) {
      report.latencies_us.push_back(std::chrono::duration<double, std::micro>(Clock::now() - start).count());
    } else {
      ++report.busy;
    }
    if (n % 64 == 0) report.wal_peak_bytes = std::max(report.wal_peak_bytes, file_bytes(wal));
  }
  report.seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  return report;
}

double percentile(const std::vector<double>& sorted, double share) {
  if (sorted.empty()) return 0;
  const auto last = static_cast<double>(sorted.size() - 1);
  return sorted[static_cast<std::size_t>(share * last)];
}

void print(Report report) {
  std::sort(report.latencies_us.begin(), report.latencies_us.end());
  const auto commits = static_cast<double>(report.latencies_us.size());
  std::printf(
      "{\"sqlite\": \"%s\", \"commits\": %.0f, \"commits_per_s\": %.1f, \"p50_us\": %.1f, \"p99_us\": %.1f, "
      "\"max_us\": %.1f, \"busy\": %ld, \"wal_peak_bytes\": %lld}\n",
      sqlite3_libversion(), commits, commits / report.seconds, percentile(report.latencies_us, 0.5),
      percentile(report.latencies_us, 0.99), report.latencies_us.empty() ? 0 : report.latencies_us.back(), report.busy,
      report.wal_peak_bytes);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) {
    std::fprintf(stderr, "usage: writer DATABASE SECONDS RATE SYNCHRONOUS ROW_BYTES\n");
    return 2;
  }
  print(run({argv[1], std::strtod(argv[2], nullptr), std::strtod(argv[3], nullptr), argv[4],
             static_cast<int>(std::strtol(argv[5], nullptr, 10))}));
  return 0;
}
