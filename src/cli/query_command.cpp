#include "cli/query_command.h"

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <optional>
#include <stop_token>
#include <string>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "cli/open_store.h"
#include "cli/progress.h"
#include "cli/query_output.h"
#include "engine/backup_reader.h"
#include "engine/page_shelf.h"
#include "os/signals.h"
#include "sqlite/read_session.h"

namespace cli {
namespace {

using base::Category;
using base::Result;

constexpr std::size_t kSqlBytesMax = 64U << 20;

ExitCode failed(const base::Error& error) {
  std::fputs(fmt::format("litestream-manager: query: {}\n", error.message).c_str(), stderr);
  return exit_code_for(error.category);
}

Result<std::string> read_standard_input() {
  std::string text;
  std::array<char, 1U << 16> part{};
  while (const std::size_t count = std::fread(part.data(), 1, part.size(), stdin)) {
    text.append(part.data(), count);
    if (text.size() > kSqlBytesMax) return base::fail(Category::invalid, "more than 64 MiB of SQL on standard input");
  }
  if (std::ferror(stdin) != 0) return base::fail(Category::io, "standard input cannot be read");
  return text;
}

std::unexpected<base::Error> output_failure() {
  return base::fail(Category::io, "standard output: " + std::error_code(errno, std::generic_category()).message());
}

Result<> write_standard_output(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size()) return output_failure();
  return {};
}

double seconds_since(base::SteadyTime start) {
  return std::chrono::duration<double>(base::system_clock().steady_now() - start).count();
}

// Passes everything on and notes when the first row came.
class FirstRowClock final : public sqlite::RowSink {
 public:
  FirstRowClock(sqlite::RowSink& sink, base::SteadyTime start) : sink_(sink), start_(start) {}
  Result<> begin(const std::vector<std::string>& columns) override { return sink_.begin(columns); }
  Result<> row(std::span<const sqlite::Value> values) override {
    if (!first_row_) first_row_ = seconds_since(start_);
    return sink_.row(values);
  }
  Result<> end() override { return sink_.end(); }
  [[nodiscard]] std::optional<double> first_row() const { return first_row_; }

 private:
  sqlite::RowSink& sink_;
  base::SteadyTime start_;
  std::optional<double> first_row_;
};

std::string stats_text(const engine::BackupReader& reader, const storage::RequestCounts& requests,
                       std::optional<double> first_row, double seconds) {
  const auto& state = reader.state();
  const auto& counts = reader.counts();
  std::string again;
  if (counts.fetched_again > 0) {
    again = fmt::format(", {} of them again: a larger -cache-mb or a -cache-dir saves that", counts.fetched_again);
  }
  return fmt::format(
      "state     TXID {} of {}\n"
      "database  {} in {} pages of {} bytes; {} objects\n"
      "requests  {} LIST, {} HEAD, {} GET, {} retried; {} received\n"
      "pages     {} read: {} from memory, {} from the cache directory; {} fetches brought {}{}\n"
      "time      {}{:.3f} s in all\n",
      base::hex16(state.txid.value), base::to_rfc3339(state.timestamp), format_bytes(reader.size_bytes()), state.pages,
      state.page_size, reader.objects(), requests.list, requests.head, requests.get, requests.retried,
      format_bytes(requests.bytes_received), counts.pages_read, counts.from_memory, counts.from_shelf, counts.fetches,
      counts.pages_fetched, again, first_row ? fmt::format("{:.3f} s until the first row, ", *first_row) : "", seconds);
}

Result<> ask(engine::BackupReader& reader, const QueryRequest& request, const std::string& sql, std::stop_token stop,
             sqlite::RowSink& sink) {
  auto session = sqlite::ReadSession::open(reader, std::move(stop));
  if (!session) return base::fail(session.error().with_context(request.replica));
  TRY(session->run(sql, sink));
  if (std::fflush(stdout) != 0) return output_failure();
  return {};
}

}  // namespace

ExitCode run_query(const QueryRequest& request) {
  std::string sql = request.sql;
  if (sql == "-") {
    // Before the signals are taken: Ctrl-C ends a wait for input at once.
    auto input = read_standard_input();
    if (!input) return failed(input.error());
    sql = *std::move(input);
  }
  std::stop_source stop;
  const auto signals = os::SignalWaiter::start([&stop](os::StopSignal) { stop.request_stop(); });
  if (!signals) return failed(signals.error());
  const auto store = open_store(request.store);
  if (!store) return failed(store.error());
  std::optional<engine::PageShelf> shelf;
  if (!request.cache_dir.empty()) {
    auto opened = engine::PageShelf::open(request.cache_dir, std::uint64_t{request.cache_dir_mb} << 20);
    if (!opened) return failed(opened.error());
    shelf.emplace(*std::move(opened));
  }

  const base::SteadyTime start = base::system_clock().steady_now();
  engine::BackupReadOptions options;
  options.target = request.target;
  options.cache_bytes = std::uint64_t{request.cache_mb} << 20;
  options.shelf = shelf ? &*shelf : nullptr;
  options.context.stop = stop.get_token();
  const auto reader = engine::BackupReader::open(**store, request.replica, options);
  if (!reader) return failed(reader.error());
  const auto output = make_query_output(request.format, write_standard_output);
  FirstRowClock clock(*output, start);
  const auto done = ask(**reader, request, sql, stop.get_token(), clock);

  for (const std::string& damage : (*reader)->damaged()) {
    std::fputs(fmt::format("litestream-manager: query: done without a damaged object: {}\n", damage).c_str(), stderr);
  }
  if (shelf && shelf->failure()) {
    std::fputs(
        fmt::format("litestream-manager: query: done without the cache directory: {}\n", shelf->failure()->message)
            .c_str(),
        stderr);
  }
  if (request.stats) {
    const std::string text = stats_text(**reader, (*store)->counts(), clock.first_row(), seconds_since(start));
    std::fputs(text.c_str(), stderr);
  }
  return done ? ExitCode::done : failed(done.error());
}

}  // namespace cli
