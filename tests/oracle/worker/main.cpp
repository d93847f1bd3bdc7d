// The oracle's applications and its eye, one program in two builds: with the system's SQLite and with ours.
//
//   worker write KEY=VALUE...     a writer   (writer.h)
//   worker read KEY=VALUE...      a reader   (reader.h)
//   worker examine FILE...        what each database says of itself, a line of JSON each (examine.h)
//
// Writers and readers end by SIGTERM with 0, and with 1 and a message if SQLite fails in a way that an application
// would have to report.
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>

#include "oracle/worker/examine.h"
#include "oracle/worker/reader.h"
#include "oracle/worker/stop.h"
#include "oracle/worker/writer.h"

namespace {

using Arguments = std::map<std::string, std::string>;

Arguments parse(int argc, char** argv) {
  Arguments found;
  for (int i = 2; i < argc; ++i) {
    const std::string argument = argv[i];
    const auto equals = argument.find('=');
    if (equals == std::string::npos) throw std::invalid_argument(argument + " is not KEY=VALUE");
    found[argument.substr(0, equals)] = argument.substr(equals + 1);
  }
  return found;
}

// Takes what it reads, so that what is left over was misspelt.
class Taker {
 public:
  explicit Taker(Arguments arguments) : arguments_(std::move(arguments)) {}

  void take(const char* key, std::string& value) {
    if (auto node = arguments_.extract(key)) value = node.mapped();
  }
  void take(const char* key, bool& value) {
    if (auto node = arguments_.extract(key)) value = node.mapped() == "1";
  }
  void take(const char* key, double& value) {
    if (auto node = arguments_.extract(key)) value = std::stod(node.mapped());
  }
  template <typename Integer>
  void take(const char* key, Integer& value) {
    if (auto node = arguments_.extract(key)) value = static_cast<Integer>(std::stoll(node.mapped()));
  }
  // name:number,name:number
  void take(const char* key, std::map<std::string, int>& value) {
    auto node = arguments_.extract(key);
    if (!node) return;
    std::string_view rest = node.mapped();
    while (!rest.empty()) {
      const std::string_view item = rest.substr(0, rest.find(','));
      const auto colon = item.find(':');
      if (colon == std::string_view::npos) throw std::invalid_argument(std::string(item) + " is not NAME:NUMBER");
      value[std::string(item.substr(0, colon))] = std::stoi(std::string(item.substr(colon + 1)));
      rest.remove_prefix(std::min(rest.size(), item.size() + 1));
    }
  }
  void check_empty() const {
    if (!arguments_.empty()) throw std::invalid_argument("there is no setting " + arguments_.begin()->first);
  }

 private:
  Arguments arguments_;
};

void write(const Arguments& arguments) {
  oracle::WriterSettings settings;
  Taker taker(arguments);
  taker.take("database", settings.database);
  taker.take("journal", settings.journal);
  taker.take("seed", settings.seed);
  taker.take("rate", settings.rate);
  taker.take("page_size", settings.page_size);
  taker.take("auto_vacuum", settings.auto_vacuum);
  taker.take("new_journal_mode", settings.new_journal_mode);
  taker.take("synchronous", settings.synchronous);
  taker.take("locking", settings.locking);
  taker.take("autocheckpoint", settings.autocheckpoint);
  taker.take("cache_pages", settings.cache_pages);
  taker.take("one_shot", settings.one_shot);
  taker.take("rollback_percent", settings.rollback_percent);
  taker.take("sync_failures", settings.failures.sync_per_mille);
  taker.take("write_failures", settings.failures.write_per_mille);
  taker.take("bytes_max", settings.bytes_max);
  taker.take("changes", settings.changes);
  taker.take("after", settings.after);
  taker.check_empty();
  if (settings.changes.empty()) throw std::invalid_argument("a writer needs changes=NAME:WEIGHT,...");
  oracle::run_writer(settings);
}

void read(const Arguments& arguments) {
  oracle::ReaderSettings settings;
  Taker taker(arguments);
  taker.take("database", settings.database);
  taker.take("journal", settings.journal);
  taker.take("snapshots", settings.snapshots);
  taker.take("seed", settings.seed);
  taker.take("rate", settings.rate);
  taker.take("snapshot_bytes_max", settings.snapshot_bytes_max);
  taker.check_empty();
  oracle::run_reader(settings);
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view command = argc > 1 ? argv[1] : "";
  try {
    if (command == "write" || command == "read") {
      oracle::hold_back_stop_requests();
      command == "write" ? write(parse(argc, argv)) : read(parse(argc, argv));
    } else if (command == "examine") {
      for (int i = 2; i < argc; ++i) std::puts(oracle::examine(argv[i]).c_str());
    } else {
      std::fputs("usage: worker write|read KEY=VALUE... | worker examine FILE...\n", stderr);
      return 2;
    }
  } catch (const std::invalid_argument& error) {
    std::fprintf(stderr, "worker: %s\n", error.what());
    return 2;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "worker: %s\n", error.what());
    return 1;
  }
  return 0;
}
