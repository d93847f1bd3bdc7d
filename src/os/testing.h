// For tests only: a directory that goes away with the test, and child processes, of which SQLite's shell is the useful
// one.
#pragma once

#include <array>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"

namespace os::testing {

class TempDir {
 public:
  TempDir() {
    std::string pattern = (std::filesystem::temp_directory_path() / "lm-test-XXXXXX").string();
    CHECK(::mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] std::filesystem::path operator/(std::string_view name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

inline void write_text(const std::filesystem::path& path, std::string_view text) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << text;
}
inline void append_text(const std::filesystem::path& path, std::string_view text) {
  std::ofstream(path, std::ios::binary | std::ios::app) << text;
}
inline std::string read_text(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// A child process with pipes on its standard input and output.
class Child {
 public:
  explicit Child(std::vector<std::string> arguments) {
    std::array<int, 2> in{};
    std::array<int, 2> out{};
    CHECK(::pipe2(in.data(), O_CLOEXEC) == 0 && ::pipe2(out.data(), O_CLOEXEC) == 0);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
    std::vector<char*> argv;
    argv.reserve(arguments.size() + 1);
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    CHECK(::posix_spawnp(&pid_, argv[0], &actions, nullptr, argv.data(), environ) == 0);
    ::posix_spawn_file_actions_destroy(&actions);
    ::close(in[0]);
    ::close(out[1]);
    input_ = in[1];
    output_ = out[0];
  }
  ~Child() {
    if (pid_ > 0) finish();
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  [[nodiscard]] pid_t pid() const { return pid_; }

  void send(std::string_view text) const {
    CHECK(::write(input_, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  }

  // Up to the next line break; waits for it. Empty at the end of the output.
  [[nodiscard]] std::string read_line() const {
    std::string line;
    char c = 0;
    while (::read(output_, &c, 1) == 1 && c != '\n') line += c;
    return line;
  }

  // Closes its input, drops the rest of its output, and returns its exit code (-1: ended by a signal).
  int finish() {
    ::close(input_);
    std::array<char, 4096> rest{};
    while (::read(output_, rest.data(), rest.size()) > 0) {
    }
    ::close(output_);
    int status = 0;
    while (::waitpid(std::exchange(pid_, -1), &status, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

 private:
  pid_t pid_ = -1;
  int input_ = -1;
  int output_ = -1;
};

// SQLite's shell on one database: ask() runs statements and returns when they are done.
class SqliteShell {
 public:
  // `environment`: NAME=VALUE, besides what this process has.
  explicit SqliteShell(const std::filesystem::path& database, std::vector<std::string> environment = {})
      : child_(command(database, std::move(environment))) {}

  void run(std::string_view sql) const {
    begin(sql);
    end();
  }
  // Statements whose end is waited for later.
  void begin(std::string_view sql) const { child_.send(std::string(sql) + "\n.print ready\n"); }
  void end() const {
    while (child_.read_line() != "ready") {
    }
  }
  // First line that the statements print.
  [[nodiscard]] std::string ask(std::string_view sql) const {
    child_.send(std::string(sql) + "\n.print ready\n");
    std::string first = child_.read_line();
    for (std::string line = first; line != "ready"; line = child_.read_line()) {
    }
    return first;
  }
  [[nodiscard]] pid_t pid() const { return child_.pid(); }
  int finish() { return child_.finish(); }

 private:
  static std::vector<std::string> command(const std::filesystem::path& database, std::vector<std::string> environment) {
    std::vector<std::string> words{"env"};
    words.insert(words.end(), environment.begin(), environment.end());
    words.insert(words.end(), {"sqlite3", "-batch", "-init", "/dev/null", database.string()});
    return words;
  }

  Child child_;
};

inline int run_sqlite(const std::filesystem::path& database, std::string_view sql) {
  return Child({"sqlite3", "-batch", "-init", "/dev/null", database.string(), std::string(sql)}).finish();
}

}  // namespace os::testing
