// Short lives: databases that are opened, written once and closed again, as request-per-process applications do, beside
// some that are written all the time.
//
//   lives FOLDER create DATABASES
//   lives FOLDER run DATABASES LIVES_PER_S SECONDS SYNCHRONOUS LONG_LIVED LONG_COMMITS_PER_S
//
// Databases are FOLDER/5eed0000-0000-4000-8000-<12 hex digits>.db. Lives arrive at random (Poisson); a database lives
// one life at a time. The first LONG_LIVED databases are held open instead and share LONG_COMMITS_PER_S. Prints JSON.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <sqlite3.h>

namespace {

using Clock = std::chrono::steady_clock;
constexpr int kThreads = 16;

struct CloseConnection {
  void operator()(sqlite3* connection) const { sqlite3_close(connection); }
};
using Connection = std::unique_ptr<sqlite3, CloseConnection>;

[[noreturn]] void fail(sqlite3* connection, std::string_view operation) {
  std::fprintf(stderr, "lives: %.*s: %s\n", static_cast<int>(operation.size()), operation.data(),
               sqlite3_errmsg(connection));
  std::exit(1);
}

std::string database_path(const std::string& folder, int number) {
  char name[64];
  std::snprintf(name, sizeof name, "/5eed0000-0000-4000-8000-%012x.db", static_cast<unsigned>(number));
  return folder + name;
}

Connection open_database(const std::string& path) {
  sqlite3* opened = nullptr;
  const int code = sqlite3_open(path.c_str(), &opened);
  Connection connection(opened);
  if (code != SQLITE_OK) fail(opened, "open");
  return connection;
}

// False: SQLITE_BUSY, as the application would see it with no patience.
bool run_sql(sqlite3* connection, const char* sql) {
  const int code = sqlite3_exec(connection, sql, nullptr, nullptr, nullptr);
  if (code == SQLITE_OK) return true;
  if ((code & 0xff) != SQLITE_BUSY) fail(connection, sql);
  return false;
}

void create_databases(const std::string& folder, int count) {
  for (int n = 0; n < count; ++n) {
    const Connection connection = open_database(database_path(folder, n));
    run_sql(connection.get(), "PRAGMA synchronous=OFF; PRAGMA journal_mode=WAL");
    run_sql(connection.get(), "CREATE TABLE items(id INTEGER PRIMARY KEY, body BLOB)");
  }
}

struct Settings {
  std::string folder;
  int databases = 0;
  double lives_per_s = 0;
  double seconds = 0;
  std::string synchronous;
  int long_lived = 0;
  double long_commits_per_s = 0;
};

class Load {
 public:
  explicit Load(Settings settings)
      : settings_(std::move(settings)), in_use_(static_cast<std::size_t>(settings_.databases)) {}

  void run() {
    std::vector<std::thread> threads;
    for (int n = 0; n < kThreads; ++n) threads.emplace_back([this] { live_lives(); });
    threads.emplace_back([this] { write_long_lived(); });
    send_arrivals();
    for (std::thread& thread : threads) thread.join();
    print();
  }

 private:
  void send_arrivals() {
    std::mt19937_64 random(1);
    std::exponential_distribution<double> gap(settings_.lives_per_s);
    std::uniform_int_distribution<int> pick(settings_.long_lived, settings_.databases - 1);
    const auto begin = Clock::now();
    for (double at = gap(random); at < settings_.seconds; at += gap(random)) {
      std::this_thread::sleep_until(begin +
                                    std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(at)));
      const std::lock_guard lock(mutex_);
      int number = pick(random);
      while (in_use_[static_cast<std::size_t>(number)]) number = pick(random);
      in_use_[static_cast<std::size_t>(number)] = true;
      due_.push_back(number);
      changed_.notify_one();
    }
    const std::lock_guard lock(mutex_);
    over_ = true;
    changed_.notify_all();
  }

  void live_lives() {
    while (true) {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return over_ || !due_.empty(); });
      if (due_.empty()) return;
      const int number = due_.front();
      due_.pop_front();
      lock.unlock();
      const auto start = Clock::now();
      live_once(number);
      const double ms = std::chrono::duration<double, std::milli>(Clock::now() - start).count();
      lock.lock();
      in_use_[static_cast<std::size_t>(number)] = false;
      latencies_ms_.push_back(ms);
    }
  }

  void live_once(int number) {
    const Connection connection = open_database(database_path(settings_.folder, number));
    const std::string synchronous = "PRAGMA synchronous=" + settings_.synchronous;
    const bool done = run_sql(connection.get(), synchronous.c_str()) &&
                      run_sql(connection.get(), "INSERT INTO items(body) VALUES(randomblob(300))");
    if (!done) ++busy_;
  }

  void write_long_lived() {
    if (settings_.long_lived == 0) return;
    std::vector<Connection> connections;
    for (int n = 0; n < settings_.long_lived; ++n) {
      connections.push_back(open_database(database_path(settings_.folder, n)));
      run_sql(connections.back().get(), ("PRAGMA synchronous=" + settings_.synchronous).c_str());
    }
    const auto begin = Clock::now();
    for (std::size_t n = 0;; ++n) {
      const double at = static_cast<double>(n) / settings_.long_commits_per_s;
      if (at >= settings_.seconds) return;
      std::this_thread::sleep_until(begin +
                                    std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(at)));
      if (run_sql(connections[n % connections.size()].get(), "INSERT INTO items(body) VALUES(randomblob(300))")) {
        ++long_commits_;
      } else {
        ++busy_;
      }
    }
  }

  void print() {
    std::sort(latencies_ms_.begin(), latencies_ms_.end());
    const auto at = [this](double share) {
      if (latencies_ms_.empty()) return 0.0;
      return latencies_ms_[static_cast<std::size_t>(share * static_cast<double>(latencies_ms_.size() - 1))];
    };
    std::printf(
        "{\"lives\": %zu, \"lives_per_s\": %.1f, \"life_p50_ms\": %.2f, \"life_p99_ms\": %.2f, \"long_commits\": %ld, "
        "\"busy\": %ld}\n",
        latencies_ms_.size(), static_cast<double>(latencies_ms_.size()) / settings_.seconds, at(0.5), at(0.99),
        long_commits_.load(), busy_.load());
  }

  Settings settings_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<int> due_;  // guarded by mutex_, as are the next three
  std::vector<bool> in_use_;
  std::vector<double> latencies_ms_;
  bool over_ = false;
  std::atomic<long> long_commits_{0};
  std::atomic<long> busy_{0};
};

int number(const char* text) {
  return static_cast<int>(std::strtol(text, nullptr, 10));
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view command = argc > 2 ? argv[2] : "";
  if (command == "create" && argc == 4) {
    create_databases(argv[1], number(argv[3]));
    return 0;
  }
  if (command == "run" && argc == 9) {
    Load({argv[1], number(argv[3]), std::strtod(argv[4], nullptr), std::strtod(argv[5], nullptr), argv[6],
          number(argv[7]), std::strtod(argv[8], nullptr)})
        .run();
    return 0;
  }
  std::fprintf(stderr,
               "usage: lives FOLDER create DATABASES\n"
               "       lives FOLDER run DATABASES LIVES_PER_S SECONDS SYNCHRONOUS LONG_LIVED LONG_COMMITS_PER_S\n");
  return 2;
}
