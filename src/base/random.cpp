#include "base/random.h"

#include <random>

namespace base {

namespace {
std::mt19937_64& generator() {
  thread_local std::mt19937_64 engine = [] {
    std::random_device device;
    std::seed_seq seed{device(), device(), device(), device(), device(), device()};
    return std::mt19937_64(seed);
  }();
  return engine;
}
}  // namespace

std::uint64_t random_u64() {
  return generator()();
}

double random_unit() {
  return std::uniform_real_distribution<double>(0.0, 1.0)(generator());
}

std::string random_hex(std::size_t digits) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text(digits, '0');
  for (char& c : text) c = kDigits[random_u64() & 15];
  return text;
}

}  // namespace base
