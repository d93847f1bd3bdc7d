#include "os/memory.h"

#include <atomic>
#include <cstdint>
#include <fstream>
#include <string>
#include <thread>

#include <gtest/gtest.h>

namespace os {
namespace {

// Of code, constants and other files that are mapped and present; 0 where the system does not tell.
std::uint64_t resident_file_kib() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("RssFile:")) return std::stoull(line.substr(line.find_first_of("0123456789")));
  }
  return 0;
}

TEST(Memory, CodeThatIsLetGoOfIsNotResidentAndComesBackByItself) {
  const std::uint64_t before = resident_file_kib();
  ASSERT_GT(before, 0U);
  let_go_of_idle_code();
  EXPECT_LT(resident_file_kib(), before);
  EXPECT_EQ(std::to_string(1.5), "1.500000");
}

TEST(Memory, CodeCanBeLetGoOfWhileOthersRunIt) {
  std::atomic<bool> stop{false};
  std::atomic<std::uint64_t> wrong{0}, rounds{0};
  std::thread other([&] {
    while (!stop) {
      if (std::to_string(static_cast<double>(rounds)) != std::to_string(rounds.load()) + ".000000") ++wrong;
      ++rounds;
    }
  });
  while (rounds < 1000) let_go_of_idle_code();
  stop = true;
  other.join();
  EXPECT_EQ(wrong, 0U);
}

}  // namespace
}  // namespace os
