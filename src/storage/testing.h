// For tests of several modules.
#pragma once

#include <array>
#include <cstdint>
#include <utility>

#include "base/guarded.h"
#include "storage/object_store.h"

namespace storage::testing {

// Writes down what it hears.
class CountingObserver final : public RequestObserver {
 public:
  struct Heard {
    std::array<std::uint64_t, kRequestKinds> requests{};
    std::uint64_t sent = 0, received = 0;

    [[nodiscard]] std::uint64_t of(RequestKind kind) const { return requests.at(std::to_underlying(kind)); }
  };

  void on_request(RequestKind kind) override {
    heard_.with([&](Heard& heard) { ++heard.requests.at(std::to_underlying(kind)); });
  }
  void on_bytes(std::uint64_t sent, std::uint64_t received) override {
    heard_.with([&](Heard& heard) {
      heard.sent += sent;
      heard.received += received;
    });
  }
  [[nodiscard]] Heard heard() const {
    return heard_.with([](const Heard& heard) { return heard; });
  }

 private:
  base::Guarded<Heard> heard_;
};

}  // namespace storage::testing
