// RequestCounts that several threads add to.
#pragma once

#include "base/error.h"
#include "base/guarded.h"
#include "storage/object_store.h"

namespace storage {

class RequestCounter {
 public:
  // E.g. add(&RequestCounts::put).
  void add(std::uint64_t RequestCounts::* kind, std::uint64_t amount = 1) {
    counts_.with([&](RequestCounts& counts) { counts.*kind += amount; });
  }
  // What ended with an error: refused or failed.
  void add_failure(const base::Error& error) {
    add(error.category == base::Category::conflict ? &RequestCounts::refused : &RequestCounts::failed);
  }
  [[nodiscard]] RequestCounts counts() const {
    return counts_.with([](const RequestCounts& counts) { return counts; });
  }

 private:
  base::Guarded<RequestCounts> counts_;
};

}  // namespace storage
