#include "explore.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <ctime>

namespace model {

namespace {

constexpr std::uint64_t kMultiplier = 0x9E3779B97F4A7C15ULL;

std::uint64_t hash_of(const State& s) {
  std::array<std::uint64_t, (sizeof(State) + 7) / 8> words{};
  std::memcpy(words.data(), &s, sizeof s);
  std::uint64_t h = kMultiplier;
  for (const std::uint64_t word : words) h = (std::rotl(h, 23) ^ word) * kMultiplier;
  h ^= h >> 32;
  h *= 0xD6E8FEB86659FD93ULL;
  h ^= h >> 32;
  return h == 0 ? 1 : h;
}

// Hashes of the states that were seen. Two different states with one hash would hide one of them: with 64 bits and ten
// million states the chance of any such pair is about one in 400,000.
class Seen {
 public:
  bool add(std::uint64_t hash) {
    if (count_ * 2 > slots_.size()) grow();
    return insert(hash);
  }
  [[nodiscard]] std::uint64_t count() const { return count_; }

 private:
  bool insert(std::uint64_t hash) {
    std::size_t i = hash & (slots_.size() - 1);
    for (; slots_[i] != 0; i = (i + 1) & (slots_.size() - 1)) {
      if (slots_[i] == hash) return false;
    }
    slots_[i] = hash;
    ++count_;
    return true;
  }
  void grow() {
    std::vector<std::uint64_t> old(slots_.size() * 2, 0);
    old.swap(slots_);
    count_ = 0;
    for (const std::uint64_t hash : old) {
      if (hash != 0) insert(hash);
    }
  }

  std::vector<std::uint64_t> slots_ = std::vector<std::uint64_t>(1 << 16, 0);
  std::uint64_t count_ = 0;
};

struct Origin {
  std::uint32_t parent;
  Action by;
};

double thread_seconds() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

class Search {
 public:
  Search(const World& world, std::uint64_t most_states) : world_(world), most_states_(most_states) {}

  Outcome run() {
    const double start = thread_seconds();
    const State first = first_state(world_);
    seen_.add(hash_of(first));
    origins_.push_back({0, Action::count});
    frontier_.push_back(first);
    std::uint32_t first_id = 0;
    while (!frontier_.empty() && findings_.violation == nullptr && outcome_.complete) {
      ++outcome_.depth;
      next_.clear();
      const auto next_id = static_cast<std::uint32_t>(origins_.size());
      for (std::size_t i = 0; i < frontier_.size() && findings_.violation == nullptr; ++i) {
        expand(frontier_[i], first_id + static_cast<std::uint32_t>(i));
      }
      frontier_.swap(next_);
      first_id = next_id;
      outcome_.complete = seen_.count() < most_states_;
    }
    outcome_.states = seen_.count();
    outcome_.seconds = thread_seconds() - start;
    outcome_.proofs = findings_.proofs;
    return std::move(outcome_);
  }

 private:
  void expand(const State& from, std::uint32_t id) {
    for (int i = 0; i < static_cast<int>(Action::count); ++i) {
      const auto action = static_cast<Action>(i);
      State s = from;
      if (!apply({s, world_, findings_}, action)) continue;
      ++outcome_.transitions;
      if (findings_.violation != nullptr) return report(id, action);
      if (!seen_.add(hash_of(s))) continue;
      origins_.push_back({id, action});
      next_.push_back(s);
    }
  }

  void report(std::uint32_t id, Action last) {
    outcome_.violation = findings_.violation;
    outcome_.trace.push_back(last);
    for (; id != 0; id = origins_[id].parent) outcome_.trace.push_back(origins_[id].by);
    std::ranges::reverse(outcome_.trace);
  }

  const World& world_;
  std::uint64_t most_states_;
  Findings findings_;
  Seen seen_;
  std::vector<Origin> origins_;
  std::vector<State> frontier_, next_;
  Outcome outcome_;
};

}  // namespace

Outcome explore(const World& world, std::uint64_t most_states) {
  return Search(world, most_states).run();
}

}  // namespace model
