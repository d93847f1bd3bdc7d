// What does a stronger LZ4 mode save, and what does it cost? Each page of a database file becomes a block of its own,
// as in an LTX file, in LZ4's fast mode (what the daemon uses) and in LZ4HC's levels; all modes within one run, in
// turns, so that their ratios hold on a busy machine, too. Blocks are decompressed and compared. Prints JSON.
//
//   compression DATABASE PAGES_MAX
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>
#include <iterator>
#include <vector>

#include <lz4.h>
#include <lz4hc.h>

namespace {

constexpr int kModes[] = {0, 3, 4, 6, 9, 12};  // 0: fast; else the level of LZ4HC
constexpr std::size_t kPagesAtOnce = 64;       // of a mode, before it is the next one's turn

double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

struct Sum {
  double seconds = 0, decompress_seconds = 0;
  std::uint64_t bytes = 0;
};

int compress(int mode, const char* page, int size, std::vector<char>& out) {
  const int room = static_cast<int>(out.size());
  return mode == 0 ? LZ4_compress_default(page, out.data(), size, room)
                   : LZ4_compress_HC(page, out.data(), size, room, mode);
}

// False: what was decompressed is not the page.
bool measure(int mode, const char* pages, std::size_t count, int page_size, Sum& sum) {
  std::vector<std::vector<char>> blocks(count,
                                        std::vector<char>(static_cast<std::size_t>(LZ4_compressBound(page_size))));
  std::vector<int> sizes(count);
  std::vector<char> back(static_cast<std::size_t>(page_size));
  const double began = cpu_seconds();
  for (std::size_t i = 0; i < count; ++i) {
    sizes[i] = compress(mode, pages + i * static_cast<std::size_t>(page_size), page_size, blocks[i]);
  }
  const double compressed = cpu_seconds();
  for (std::size_t i = 0; i < count; ++i) {
    if (LZ4_decompress_safe(blocks[i].data(), back.data(), sizes[i], page_size) != page_size) return false;
  }
  sum.decompress_seconds += cpu_seconds() - compressed;
  sum.seconds += compressed - began;
  for (const int size : sizes) sum.bytes += static_cast<std::uint64_t>(size);
  return std::memcmp(back.data(), pages + (count - 1) * static_cast<std::size_t>(page_size), back.size()) == 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  std::ifstream file(argv[1], std::ios::binary);
  const std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
  if (bytes.size() < 512) return 1;
  const auto high = static_cast<std::uint8_t>(bytes[16]), low = static_cast<std::uint8_t>(bytes[17]);
  const int page_size = high == 0 && low == 1 ? 65536 : high * 256 + low;
  std::size_t pages = bytes.size() / static_cast<std::size_t>(page_size);
  // Evenly from the whole file: tables and indexes lie apart.
  const std::size_t turns = std::max<std::size_t>(1, std::strtoul(argv[2], nullptr, 10) / kPagesAtOnce);
  const std::size_t step = std::max(kPagesAtOnce, pages / turns);
  Sum sums[std::size(kModes)];
  std::uint64_t measured = 0;
  for (std::size_t first = 0; first < pages; first += step) {
    const std::size_t count = std::min(kPagesAtOnce, pages - first);
    for (std::size_t mode = 0; mode < std::size(kModes); ++mode) {
      if (!measure(kModes[mode], bytes.data() + first * static_cast<std::size_t>(page_size), count, page_size,
                   sums[mode])) {
        return 1;
      }
    }
    measured += count;
  }
  const double raw = static_cast<double>(measured) * page_size;
  std::printf("{\"page_size\": %d, \"pages\": %llu, \"modes\": [", page_size,
              static_cast<unsigned long long>(measured));
  for (std::size_t mode = 0; mode < std::size(kModes); ++mode) {
    std::printf("%s{\"level\": %d, \"ratio\": %.5f, \"cpu_s_per_gb\": %.4f, \"decompress_s_per_gb\": %.4f}",
                mode == 0 ? "" : ", ", kModes[mode], static_cast<double>(sums[mode].bytes) / raw,
                sums[mode].seconds / raw * 1e9, sums[mode].decompress_seconds / raw * 1e9);
  }
  std::printf("]}\n");
  return 0;
}
