#include "oracle/worker/reader.h"

#include <chrono>
#include <fstream>
#include <memory>
#include <random>

#include <unistd.h>

#include "oracle/worker/changes.h"
#include "oracle/worker/content.h"
#include "oracle/worker/journal.h"
#include "oracle/worker/stop.h"

namespace oracle {

namespace {

using Clock = std::chrono::steady_clock;

struct FreeSqlite {
  void operator()(unsigned char* bytes) const { sqlite3_free(bytes); }
};

class Reader {
 public:
  explicit Reader(const ReaderSettings& settings)
      : settings_(settings), journal_(settings.journal), random_(settings.seed) {}

  void run() {
    auto due = Clock::now();
    while (!stop_requested_before(due)) {
      bool stop = false;
      try {
        stop = once();
      } catch (const Busy&) {
        database_.reset();
      }
      if (stop) return;
      const std::chrono::duration<double> pause(std::exponential_distribution<>(settings_.rate)(random_));
      due = Clock::now() + std::chrono::duration_cast<Clock::duration>(pause);
    }
  }

 private:
  // True: asked to stop meanwhile.
  bool once() {
    if (!database_) {
      if (::access(settings_.database.c_str(), F_OK) != 0) return false;
      database_ = std::make_unique<Database>(settings_.database, Database::Mode::read_write, 1000);
    }
    database_->run("BEGIN");
    bool stop = false;
    if (const auto head = read_head(*database_)) {
      snapshot(*head);
      // Now and then a reader takes its time, and no checkpoint can pass it.
      if (pick(random_, 0, 4) == 0)
        stop = stop_requested_before(Clock::now() + std::chrono::milliseconds(pick(random_, 1, 700)));
    }
    database_->roll_back();
    if (pick(random_, 0, 5) == 0) database_.reset();
    return stop;
  }

  // All pages as this transaction sees them, byte for byte.
  void snapshot(const Head& head) {
    if (database_->integer("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size") >
        settings_.snapshot_bytes_max) {
      return;
    }
    sqlite3_int64 size = 0;
    const std::unique_ptr<unsigned char, FreeSqlite> pages(sqlite3_serialize(database_->get(), "main", &size, 0));
    if (!pages || size == 0) return;
    const std::string_view bytes(reinterpret_cast<const char*>(pages.get()), static_cast<std::size_t>(size));
    const std::string digest = hex_digest(bytes);
    const std::string file = settings_.snapshots + '/' + head.hash + '-' + digest + ".db";
    if (::access(file.c_str(), F_OK) == 0) return;
    const std::string incomplete = file + '.' + std::to_string(::getpid());
    std::ofstream(incomplete, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    if (::rename(incomplete.c_str(), file.c_str()) == 0) journal_.snapshot(head, digest, file);
  }

  const ReaderSettings& settings_;
  const Journal journal_;
  Random random_;
  std::unique_ptr<Database> database_;
};

}  // namespace

void run_reader(const ReaderSettings& settings) {
  Reader(settings).run();
}

}  // namespace oracle
