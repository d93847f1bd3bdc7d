#include "pattern.h"

#include <algorithm>
#include <chrono>
#include <cmath>

namespace history::model {
namespace {

using base::UnixMillis;
using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr double kBytesPerPage = 1400;  // 4 KiB of rows after LZ4
constexpr double kBytesPerFile = 160;   // header, index, trailer

// Every `step`; a new page each `per_page` commits.
Pattern steady(std::string name, UnixMillis step, std::uint32_t page_count, std::uint32_t hot_pages,
               std::uint32_t per_page) {
  return {std::move(name), hot_pages, 365, [=](std::uint64_t i, Commit& commit) {
            const auto added = static_cast<std::uint32_t>(i / per_page);
            commit = {kStart + step * static_cast<std::int64_t>(i),
                      3,
                      1,
                      i % per_page == 0 ? 1U : 0U,
                      i == 0,
                      page_count + added};
            return true;
          }};
}

Pattern office() {
  return {"a second, in office hours", 2000, 90, [](std::uint64_t i, Commit& commit) {
            constexpr std::uint64_t kPerDay = 8 * 3600;
            const std::uint64_t day = i / kPerDay;
            const auto when = kStart + days{day / 5 * 7 + day % 5} + hours{9} + seconds{i % kPerDay};
            commit = {when, 5, 2, i % 5 == 0 ? 1U : 0U, i == 0, 50'000 + static_cast<std::uint32_t>(i / 5)};
            return true;
          }};
}

Pattern bursts() {
  return {"200 in a row, each third day", 100, 365, [](std::uint64_t i, Commit& commit) {
            const auto when = kStart + days{3} * static_cast<std::int64_t>(i / 200) + hours{5} + seconds{i % 200};
            commit = {when, 4, 4, 1, i == 0, 2'000 + static_cast<std::uint32_t>(i)};
            return true;
          }};
}

Pattern vacuums() {
  return {"ten minutes, VACUUM each Sunday", 300, 365, [](std::uint64_t i, Commit& commit) {
            constexpr std::uint64_t kPerWeek = 7 * 144;
            commit = {kStart + minutes{10} * static_cast<std::int64_t>(i),
                      10,
                      10,
                      0,
                      i % kPerWeek == kPerWeek - 30 || i == 0,
                      20'000};
            return true;
          }};
}

Pattern rewrites() {
  return {"an hour, all pages each time", 1, 365, [](std::uint64_t i, Commit& commit) {
            commit = {kStart + hours{1} * static_cast<std::int64_t>(i), 0, 0, 0, true, 3'000};
            return true;
          }};
}

Pattern growing() {
  return {
      "five minutes, grows from nothing", 20, 365, [](std::uint64_t i, Commit& commit) {
        commit = {
            kStart + minutes{5} * static_cast<std::int64_t>(i), 5, 0, 5, i == 0, 2 + 5 * static_cast<std::uint32_t>(i)};
        return true;
      }};
}

Pattern shrinking() {
  return {"five minutes, shrinks each week", 200, 365, [](std::uint64_t i, Commit& commit) {
            constexpr std::uint64_t kPerWeek = 7 * 288;
            const double left = 100'000 * std::pow(0.8, static_cast<double>(i / kPerWeek));
            commit = {kStart + minutes{5} * static_cast<std::int64_t>(i), 5, 1, 0, i % kPerWeek == 0,
                      static_cast<std::uint32_t>(std::max(left, 50.0))};
            return true;
          }};
}

Pattern dies() {
  return {"a minute, dies for 200 days", 200, 365, [](std::uint64_t i, Commit& commit) {
            constexpr std::uint64_t kFirst = 30 * 1440;
            const auto idle = i >= kFirst ? days{200} : days{0};
            commit = {kStart + minutes{i} + idle, 3, 1, 0, i == 0, 5'000};
            return true;
          }};
}

double different(double touches, double among) {
  return among <= 0 ? 0 : among * -std::expm1(-touches / among);
}

}  // namespace

std::vector<Pattern> all_patterns() {
  return {steady("a minute", minutes{1}, 5'000, 200, 20),
          steady("a minute, tiny", minutes{1}, 4, 3, 1'000'000),
          office(),
          steady("a day", days{1}, 500, 50, 3),
          bursts(),
          vacuums(),
          rewrites(),
          growing(),
          shrinking(),
          dies()};
}

Pattern steady_pattern(UnixMillis step, std::uint32_t page_count, int days) {
  Pattern pattern = steady("steady", step, page_count, 200, 20);
  pattern.days = days;
  return pattern;
}

void Written::add(const Commit& commit) {
  Sum sum = sums_.back();
  sum.hot += commit.hot;
  sum.warm += commit.warm;
  sum.added += commit.added;
  sum.page_count = commit.page_count;
  sum.time = commit.time;
  if (commit.rewrite) sum.rewritten = static_cast<std::uint32_t>(sums_.size());
  sums_.push_back(sum);
}

double Written::pages(base::Txid min, base::Txid max) const {
  const Sum& before = sums_[min.value - 1];
  const Sum& after = sums_[max.value];
  const double all = after.page_count;
  if (after.rewritten >= min.value) return all;
  const double touched = different(after.hot - before.hot, hot_pages_) + different(after.warm - before.warm, all);
  return std::min(all, touched + (after.added - before.added));
}

Object Written::object(base::Level level, base::Txid min, base::Txid max, UnixMillis stored_at) const {
  return {.min = min,
          .max = max,
          .size_bytes = static_cast<std::uint64_t>(kBytesPerFile + kBytesPerPage * pages(min, max)),
          .created_at = time(max),
          .stored_at = stored_at,
          .page_count = sums_[max.value].page_count,
          .level = level};
}

std::uint64_t Written::image_bytes(base::Txid txid) const {
  return static_cast<std::uint64_t>(kBytesPerFile + kBytesPerPage * sums_[txid.value].page_count);
}

}  // namespace history::model
