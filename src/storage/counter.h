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
  // One request that goes out for a call, and what it moves.
  void add_request(std::uint64_t RequestCounts::* kind, const CallContext& context) {
    add(kind);
    if (context.observer) context.observer->on_request(kind_of(kind));
  }
  void add_sent(std::uint64_t bytes, const CallContext& context) {
    if (bytes == 0) return;
    add(&RequestCounts::bytes_sent, bytes);
    if (context.observer) context.observer->on_bytes(bytes, 0);
  }
  void add_received(std::uint64_t bytes, const CallContext& context) {
    if (bytes == 0) return;
    add(&RequestCounts::bytes_received, bytes);
    if (context.observer) context.observer->on_bytes(0, bytes);
  }
  // What ended with an error: refused or failed.
  void add_failure(const base::Error& error) {
    add(error.category == base::Category::conflict ? &RequestCounts::refused : &RequestCounts::failed);
  }
  [[nodiscard]] RequestCounts counts() const {
    return counts_.with([](const RequestCounts& counts) { return counts; });
  }

 private:
  static RequestKind kind_of(std::uint64_t RequestCounts::* kind) {
    if (kind == &RequestCounts::get) return RequestKind::get;
    if (kind == &RequestCounts::list) return RequestKind::list;
    if (kind == &RequestCounts::head) return RequestKind::head;
    if (kind == &RequestCounts::remove) return RequestKind::remove;
    return RequestKind::put;  // multipart too
  }

  base::Guarded<RequestCounts> counts_;
};

}  // namespace storage
