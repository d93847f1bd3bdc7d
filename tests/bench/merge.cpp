// What does merging cost? Twelve objects of one database are merged into one by the code that upkeep uses, read back
// and compared, again and again; prints JSON: processor seconds per GB of inputs, compressed and as pages.
//
//   merge PAGES_PER_OBJECT SHARED_PERCENT SECONDS
//
// Pages are 4 KiB of which LZ4 takes about half; SHARED_PERCENT of an object's pages are in each of the others, too.
#include "ltx/merge.h"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <random>
#include <set>
#include <vector>

#include "base/bytes.h"
#include "base/check.h"
#include "ltx/decoder.h"
#include "ltx/encoder.h"

namespace {

constexpr std::uint32_t kPageSize = 4096;
constexpr int kInputs = 12;

double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

base::Bytes page_of(std::mt19937_64& random) {
  base::Bytes page(kPageSize, 'x');
  for (std::size_t i = 0; i < kPageSize / 2; ++i) page[i] = static_cast<std::uint8_t>(random());
  return page;
}

base::Bytes object_of(std::uint64_t txid, const std::set<std::uint32_t>& pages, std::uint32_t page_count,
                      std::mt19937_64& random) {
  ltx::Header header;
  header.page_size = kPageSize;
  header.commit = page_count;
  header.min_txid = header.max_txid = base::Txid{txid};
  header.timestamp = base::UnixMillis{1'700'000'000'000 + static_cast<std::int64_t>(txid)};
  base::Bytes bytes;
  ltx::Encoder encoder(header, [&](base::ByteView part) -> base::Result<> {
    bytes.insert(bytes.end(), part.begin(), part.end());
    return {};
  });
  for (const std::uint32_t page : pages) CHECK(encoder.add_page(page, page_of(random)).has_value());
  CHECK(encoder.finish().has_value());
  return bytes;
}

struct Merged {
  base::Bytes bytes;
  std::uint64_t pages = 0;
};

Merged merge(const std::vector<base::Bytes>& inputs) {
  std::vector<ltx::Source> sources;
  for (const base::Bytes& input : inputs) sources.push_back(ltx::memory_source(input));
  ltx::Merger merger(std::move(sources));
  Merged merged;
  ltx::Encoder encoder(merger.read_header().value(), [&](base::ByteView part) -> base::Result<> {
    merged.bytes.insert(merged.bytes.end(), part.begin(), part.end());
    return {};
  });
  for (auto page = merger.next_page().value(); page; page = merger.next_page().value()) {
    ++merged.pages;
    CHECK(encoder.add_page(page->page_number, page->data).has_value());
  }
  CHECK(merger.finish().has_value() && encoder.finish().has_value());
  ltx::Decoder decoder(ltx::memory_source(merged.bytes));
  CHECK(decoder.read_header().has_value());
  while (decoder.next_page().value()) {
  }
  CHECK(decoder.finish().has_value());
  return merged;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: merge PAGES_PER_OBJECT SHARED_PERCENT SECONDS\n");
    return 2;
  }
  const auto per_object = static_cast<std::uint32_t>(std::strtoul(argv[1], nullptr, 10));
  const std::uint32_t shared = per_object * static_cast<std::uint32_t>(std::strtoul(argv[2], nullptr, 10)) / 100;
  const double seconds = std::strtod(argv[3], nullptr);
  std::mt19937_64 random(1);
  const std::uint32_t page_count = shared + kInputs * (per_object - shared) + 1;
  std::vector<base::Bytes> inputs;
  std::uint64_t input_bytes = 0;
  for (int i = 0; i < kInputs; ++i) {
    std::set<std::uint32_t> pages;
    for (std::uint32_t page = 2; page < 2 + shared; ++page) pages.insert(page);
    const std::uint32_t first = 2 + shared + static_cast<std::uint32_t>(i) * (per_object - shared);
    for (std::uint32_t page = first; page < first + per_object - shared; ++page)
      pages.insert(std::min(page, page_count));
    inputs.push_back(object_of(static_cast<std::uint64_t>(i) + 2, pages, page_count, random));
    input_bytes += inputs.back().size();
  }
  const double begin = cpu_seconds();
  std::uint64_t rounds = 0;
  Merged merged;
  for (; cpu_seconds() - begin < seconds; ++rounds) merged = merge(inputs);
  const double each = (cpu_seconds() - begin) / static_cast<double>(rounds);
  const double raw_bytes = static_cast<double>(per_object) * kInputs * kPageSize;
  std::printf(
      "{\"input_bytes\": %llu, \"output_bytes\": %zu, \"merges\": %llu, \"cpu_seconds_per_gb\": %.3f, "
      "\"cpu_seconds_per_gb_of_pages\": %.3f}\n",
      static_cast<unsigned long long>(input_bytes), merged.bytes.size(), static_cast<unsigned long long>(rounds),
      each / static_cast<double>(input_bytes) * 1e9, each / raw_bytes * 1e9);
  return 0;
}
