// For tests only: time by hand, an event stream by hand, and what a database holds page by page.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <ctime>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <thread>

#include <fcntl.h>
#include <sys/stat.h>

#include "base/check.h"
#include "base/clock.h"
#include "engine/file_event.h"
#include "engine/page_set.h"
#include "ltx/checksum.h"
#include "ltx/encoder.h"
#include "os/testing.h"
#include "sqlite/connection.h"

namespace engine::testing {

using Pages = std::map<std::uint32_t, base::Bytes>;

// Stands still until it is told to advance. An hour ahead of the machine, so that the time stamps of files that a test
// has just made count as old.
class ManualClock final : public base::Clock {
 public:
  [[nodiscard]] base::SteadyTime steady_now() const override { return steady_ + past(); }
  [[nodiscard]] base::UnixMillis unix_now() const override {
    return unix_ + std::chrono::duration_cast<base::UnixMillis>(past());
  }
  void advance(std::chrono::nanoseconds by) { past_.fetch_add(by.count()); }

 private:
  [[nodiscard]] std::chrono::nanoseconds past() const { return std::chrono::nanoseconds(past_.load()); }

  base::SteadyTime steady_ = std::chrono::steady_clock::now() + std::chrono::hours(1);
  base::UnixMillis unix_ = base::system_clock().unix_now() + std::chrono::hours(1);
  std::atomic<std::int64_t> past_{0};
};

// Everything that happened is delivered as soon as somebody waits for it, unless the test holds it back.
class FakeStream final : public EventStream {
 public:
  [[nodiscard]] std::uint64_t delivered() const override { return delivered_; }
  std::uint64_t mark() override { return happened_; }
  bool wait_delivered(std::uint64_t mark) override {
    if (before_delivery) before_delivery();
    if (!held_back) delivered_ = std::max(delivered_, mark);
    return delivered_ >= mark;
  }

  // An event that happens now: its position.
  std::uint64_t next() { return ++happened_; }

  bool held_back = false;
  std::function<void()> before_delivery;

 private:
  std::uint64_t happened_ = 0, delivered_ = 0;
};

// Gives the file a time of last change that nothing which happens from now on can repeat: two writes within one tick
// of the kernel's clock look alike otherwise. A file that was not written since is left alone.
inline void age_file(const std::filesystem::path& path) {
  constexpr std::time_t kLongAgo = 1'000'000'000;
  struct stat now{};
  if (::stat(path.c_str(), &now) == 0 && now.st_mtim.tv_sec == kLongAgo) return;
  const std::array<timespec, 2> times{timespec{kLongAgo, 0}, timespec{kLongAgo, 0}};
  CHECK(::utimensat(AT_FDCWD, path.c_str(), times.data(), 0) == 0);
}

inline void set_modified(const std::filesystem::path& path, std::chrono::nanoseconds since_epoch) {
  constexpr std::int64_t kSecond = 1'000'000'000;
  const timespec when{static_cast<std::time_t>(since_epoch.count() / kSecond), since_epoch.count() % kSecond};
  const std::array<timespec, 2> times{when, when};
  CHECK(::utimensat(AT_FDCWD, path.c_str(), times.data(), 0) == 0);
}

inline Pages pages_of_file(const std::filesystem::path& path) {
  const std::string bytes = os::testing::read_text(path);
  const base::ByteView view = base::as_bytes(bytes);
  Pages pages;
  if (view.size() < 100) return pages;
  const std::uint32_t raw = base::load_be16(view.data() + 16);
  const std::uint32_t size = raw == 1 ? 65536 : raw;
  for (std::uint32_t page = 1; std::size_t{page} * size <= view.size(); ++page) {
    const auto part = view.subspan(std::size_t{page - 1} * size, size);
    pages[page] = base::Bytes(part.begin(), part.end());
  }
  return pages;
}

// What a restore of this very moment has to give: the file with its whole log checkpointed, made from a copy.
inline Pages committed_pages(const std::filesystem::path& database) {
  const os::testing::TempDir copy;
  const std::filesystem::path file = copy / "copy.db";
  os::testing::write_text(file, os::testing::read_text(database));
  if (std::filesystem::exists(database.string() + "-wal")) {
    os::testing::write_text(file.string() + "-wal", os::testing::read_text(database.string() + "-wal"));
  }
  {
    auto connection = sqlite::Connection::open(file, sqlite::OpenMode::read_write);
    CHECK(connection.has_value());
    CHECK(connection->query_integer("SELECT count(*) FROM sqlite_schema").has_value());
  }
  return pages_of_file(file);
}

inline base::Bytes page_of(const PageSet& set, std::uint32_t number, std::uint32_t page_size) {
  base::Bytes block;
  base::Bytes page(page_size);
  CHECK(set.read_block(number, block).has_value());
  CHECK(ltx::decompress_page(block, page).has_value());
  return page;
}

inline void put_page(PageSet& set, std::uint32_t number, const base::Bytes& page) {
  CHECK(set.put(number, page, ltx::page_checksum(number, page)).has_value());
}

// Lays the set over `image`, as a restore does with an object, and empties it.
inline void lay_over(Pages& image, PageSet& set, std::uint32_t page_size, std::uint32_t page_count) {
  for (const PageSet::Page& page : set.pages()) image[page.number] = page_of(set, page.number, page_size);
  std::erase_if(image, [&](const auto& item) { return item.first > page_count; });
  set.clear();
}

inline std::uint64_t checksum_of(const Pages& pages) {
  ltx::DatabaseChecksum sum;
  for (const auto& [number, page] : pages) sum.toggle(ltx::page_checksum(number, page));
  return sum.value();
}

inline os::File open_file(const std::filesystem::path& path) {
  auto file = os::File::open_read_only(path);
  CHECK(file.has_value());
  return std::move(*file);
}

// True as soon as `fact` is; false if it has not come about in ten seconds.
inline bool eventually(const std::function<bool()>& fact) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!fact()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

}  // namespace engine::testing
