// Writes a replica as weeks of commits, merges, snapshots and interrupted removals leave it, with real LTX files, and
// what restores of it must give by our own planner. tests/integration lets Litestream restore it.
//   history_bucket FOLDER SEED
// FOLDER/ltx/LEVEL/MIN-MAX.ltx, FOLDER/expected/TXID.db, and per line: "txid" or "before", its value, the TXID to
// expect.
#include <array>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/bytes.h"
#include "base/check.h"
#include "history/history_testing.h"
#include "history/restore_plan.h"
#include "history/retention.h"
#include "ltx/encoder.h"

namespace history {
namespace {

using base::Txid;
using base::UnixMillis;
using std::chrono::days;

constexpr std::uint32_t kPageSize = 512;
using Page = std::array<std::uint8_t, kPageSize>;

// What each TXID wrote: page number to the TXID that its bytes are made of, and the database's size after it.
struct Version {
  std::vector<std::uint32_t> pages;
  std::uint32_t page_count = 0;
};

Page content(std::uint32_t number, std::uint64_t txid) {
  Page page{};
  for (std::size_t i = 0; i < page.size(); ++i) page[i] = static_cast<std::uint8_t>(txid * (i / 16 + 3) + number);
  return page;
}

class Source {
 public:
  explicit Source(testing::Random& random) : random_(random), versions_(1) {}

  void commit() {
    Version version;
    const std::uint32_t before = versions_.back().page_count;
    version.page_count = before == 0 || random_.one_in(30) ? 4 + static_cast<std::uint32_t>(random_.below(40))
                                                           : before + (random_.one_in(4) ? 1U : 0U);
    for (std::uint32_t number = 1; number <= version.page_count; ++number) {
      if (number == 1 || number > before || random_.one_in(8)) version.pages.push_back(number);
    }
    versions_.push_back(std::move(version));
  }

  // The newest copy of each page that was written from `min` to `max`, as far as the database reaches then.
  [[nodiscard]] std::map<std::uint32_t, Page> pages(Txid min, Txid max) const {
    std::map<std::uint32_t, Page> all;
    for (std::uint64_t txid = min.value; txid <= max.value; ++txid) {
      for (const std::uint32_t number : versions_[txid].pages) all[number] = content(number, txid);
    }
    all.erase(all.upper_bound(versions_[max.value].page_count), all.end());
    return all;
  }
  [[nodiscard]] std::uint32_t page_count(Txid txid) const { return versions_[txid.value].page_count; }

 private:
  testing::Random& random_;
  std::vector<Version> versions_;
};

base::ByteView view(const Page& page) {
  return {page.data(), page.size()};
}

void write_object(const std::filesystem::path& folder, const Source& source, const Object& object) {
  const auto path = folder / "ltx" / std::to_string(object.level.value) /
                    fmt::format("{}-{}.ltx", base::hex16(object.min.value), base::hex16(object.max.value));
  std::filesystem::create_directories(path.parent_path());
  std::ofstream out(path, std::ios::binary);
  ltx::Header header;
  header.page_size = kPageSize;
  header.commit = source.page_count(object.max);
  header.min_txid = object.min;
  header.max_txid = object.max;
  header.timestamp = object.created_at;
  ltx::Encoder encoder(header, [&](base::ByteView bytes) -> base::Result<> {
    for (const auto byte : bytes) out.put(static_cast<char>(byte));
    return {};
  });
  for (const auto& [number, page] : source.pages(object.min, object.max)) CHECK(encoder.add_page(number, view(page)));
  CHECK(encoder.finish());
  out.close();
  CHECK(out.good());
  const auto time = std::chrono::file_clock::from_sys(std::chrono::sys_time<UnixMillis>{object.created_at});
  std::filesystem::last_write_time(path, time);
}

void expect(const std::filesystem::path& folder, const Source& source, std::string_view kind, const std::string& value,
            Txid txid) {
  const auto path = folder / "expected" / fmt::format("{}.db", txid.value);
  std::filesystem::create_directories(path.parent_path());
  std::ofstream out(path, std::ios::binary);
  for (const auto& [number, page] : source.pages(Txid{1}, txid)) {
    for (const auto byte : page) out.put(static_cast<char>(byte));
  }
  fmt::print("{} {} {}\n", kind, value, txid.value);
}

void run(const std::filesystem::path& folder, std::uint64_t seed) {
  testing::Random random(seed);
  Source source(random);
  Inventory inventory;
  UnixMillis now = testing::kMonday;
  RetentionPlan retention;
  for (std::uint64_t txid = 1; txid <= 600; ++txid) {
    now += std::chrono::minutes{1 + random.below(120)};
    source.commit();
    inventory.add(testing::object(0, txid, txid, now, txid == 1 ? 30'000 : 900));
    while (!random.one_in(3)) {
      const CompactionRules rules{.fanout = 5, .closing_min = 3, .plan_objects_max = 25, .plan_bytes_floor = 0};
      if (!testing::carry_out(inventory, next_action(inventory, {}, rules), now)) break;
    }
    if (txid % 10 != 0 && txid != 600) continue;
    retention = plan_retention(inventory, {.daily = days{10}, .weekly = days{28}}, {}, now);
    for (const Removal& removal : retention.removals) {
      if (!random.one_in(3)) inventory.remove(name_of(removal.object));
    }
  }
  for (const Object& object : inventory.objects()) write_object(folder, source, object);
  expect(folder, source, "newest", "-", plan_restore(inventory, {})->back().max);
  for (const KeptPoints& kept : retention.kept) {
    for (const Txid txid : {kept.first, kept.last}) {
      expect(folder, source, "txid", std::to_string(txid.value), txid);
      const UnixMillis before = (txid == kept.first ? kept.first_time : kept.last_time) + UnixMillis{1};
      if (before > now) continue;  // Litestream takes no time after the newest object's
      const auto plan = plan_restore(inventory, {.txid = {}, .before = before});
      CHECK(plan);
      expect(folder, source, "before", base::to_rfc3339(before), plan->back().max);
    }
  }
}

}  // namespace
}  // namespace history

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  history::run(argv[1], std::strtoull(argv[2], nullptr, 10));
  return 0;
}
