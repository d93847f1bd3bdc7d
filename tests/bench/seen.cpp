// How soon after a commit is it known that a database is dirty? The product's own directory watcher, its thread and its
// queue, on one side; on the other a process with one connection per database that commits at a steady rate, at random.
//
//   seen FOLDER DATABASES COMMITS_PER_S SECONDS SYNCHRONOUS
//
// A commit's time counts from just before COMMIT, so the writing itself is in it. Prints one line of JSON: commits,
// seen, p50_us, p99_us, max_us.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <sqlite3.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/directory_watcher.h"

namespace {

using Clock = std::chrono::steady_clock;
constexpr int kDatabasesMax = 10'000;

// Shared by both processes. Time of the last COMMIT of each database, ns of the steady clock.
struct Shared {
  std::atomic<std::int64_t> begun[kDatabasesMax];
  std::atomic<long> commits;
  std::atomic<bool> ready, go, done;
};

std::int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now().time_since_epoch()).count();
}

[[noreturn]] void fail(const char* what) {
  std::fprintf(stderr, "seen: %s failed\n", what);
  std::exit(1);
}

void run_sql(sqlite3* connection, const std::string& sql) {
  if (sqlite3_exec(connection, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) fail(sql.c_str());
}

// std::atomic's own wait() reaches no other process.
void wait_for(const std::atomic<bool>& flag) {
  while (!flag) std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

struct Load {
  std::string folder;
  int databases = 0;
  double rate = 0;
  double seconds = 0;
  std::string synchronous;
};

void write(const Load& load, Shared& shared) {
  std::vector<sqlite3*> connections;
  for (int i = 0; i < load.databases; ++i) {
    sqlite3* connection = nullptr;
    if (sqlite3_open((load.folder + "/" + std::to_string(i) + ".db").c_str(), &connection) != SQLITE_OK) fail("open");
    run_sql(connection,
            "PRAGMA synchronous=OFF; PRAGMA journal_mode=WAL; CREATE TABLE t(a, b); INSERT INTO t VALUES(1, 1)");
    run_sql(connection, "PRAGMA synchronous=" + load.synchronous);
    connections.push_back(connection);
  }
  shared.ready = true;
  wait_for(shared.go);
  std::mt19937_64 random(1);
  std::exponential_distribution<double> pause(load.rate);
  Clock::time_point due = Clock::now();
  const Clock::time_point end =
      due + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(load.seconds));
  while (due < end) {
    std::this_thread::sleep_until(due);
    const auto i = static_cast<std::size_t>(random() % static_cast<std::uint64_t>(load.databases));
    run_sql(connections[i], "BEGIN; UPDATE t SET b = b + 1");
    shared.begun[i] = now_ns();
    run_sql(connections[i], "COMMIT");
    ++shared.commits;
    due += std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(pause(random)));
  }
  shared.done = true;
  std::_Exit(0);  // without last closes, which would be more events
}

std::vector<double> watch(const Load& load, Shared& shared) {
  auto watcher = os::make_directory_watcher({});
  if (!watcher || !(*watcher)->add(load.folder)) fail("watching");
  shared.go = true;
  std::vector<double> delays_us;
  std::vector<std::int64_t> last(static_cast<std::size_t>(load.databases));
  for (int idle = 0; !shared.done || idle < 2;) {
    const auto events = (*watcher)->take(std::chrono::milliseconds(100));
    const std::int64_t now = now_ns();
    if (events.empty()) ++idle;
    for (const os::WatchEvent& event : events) {
      if (event.kind != os::EventKind::modified || !event.name.ends_with("-wal")) continue;
      const auto i = static_cast<std::size_t>(std::atoi(event.name.c_str()));
      const std::int64_t begun = shared.begun[i];
      if (begun == std::exchange(last[i], begun)) continue;  // another write of the same commit
      delays_us.push_back(static_cast<double>(now - begun) / 1000);
    }
  }
  return delays_us;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) {
    std::fprintf(stderr, "usage: seen FOLDER DATABASES COMMITS_PER_S SECONDS SYNCHRONOUS\n");
    return 2;
  }
  const Load load{argv[1], std::clamp(std::atoi(argv[2]), 1, kDatabasesMax), std::atof(argv[3]), std::atof(argv[4]),
                  argv[5]};
  void* memory = mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) fail("mmap");
  auto& shared = *static_cast<Shared*>(memory);
  const pid_t writer = fork();
  if (writer == 0) write(load, shared);
  wait_for(shared.ready);
  std::vector<double> delays_us = watch(load, shared);
  int status = 0;
  waitpid(writer, &status, 0);
  if (status != 0 || delays_us.empty()) fail("the writer");
  std::ranges::sort(delays_us);
  const auto at = [&](double share) {
    return delays_us[static_cast<std::size_t>(share * static_cast<double>(delays_us.size() - 1))];
  };
  std::printf("{\"commits\": %ld, \"seen\": %zu, \"p50_us\": %.0f, \"p99_us\": %.0f, \"max_us\": %.0f}\n",
              shared.commits.load(), delays_us.size(), at(0.5), at(0.99), at(1));
  return 0;
}
