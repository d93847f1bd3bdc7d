// Who writes: every run of a state directory has a lineage of its own, which stands in each object that it stores
// (ltx/provenance.h). Its upper 24 bits are those of the state directory, so that an object of a run that this state
// does not know can be told from a stranger's: the directory was put back to an older day, or it was copied.
#pragma once

#include <cstdint>
#include <unordered_set>

namespace engine {

class Lineages {
 public:
  static constexpr unsigned kRunBits = 40;

  Lineages() = default;
  Lineages(std::uint64_t directory, std::unordered_set<std::uint64_t> earlier)
      : directory_(directory), known_(std::move(earlier)) {}

  // `random` is any random number. The new lineage is never 0.
  std::uint64_t begin(std::uint64_t random) {
    current_ = (directory_ << kRunBits) | (random & ((1ULL << kRunBits) - 1)) | 1;
    known_.insert(current_);
    return current_;
  }

  [[nodiscard]] std::uint64_t current() const { return current_; }
  // A run that this state knows of, this one or an earlier one.
  [[nodiscard]] bool is_ours(std::uint64_t lineage) const { return known_.contains(lineage); }
  [[nodiscard]] bool is_of_directory(std::uint64_t lineage) const {
    return is_ours(lineage) || (directory_ != 0 && lineage >> kRunBits == directory_);
  }

 private:
  std::uint64_t directory_ = 0;  // 24 bits
  std::uint64_t current_ = 0;
  std::unordered_set<std::uint64_t> known_;
};

}  // namespace engine
