// Parts of stored objects, fetched side by side and handed out one after the other: what a restore reads. Memory is
// bounded by the bytes that were asked for and not yet taken, whatever the size of the objects.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>

#include "base/bytes.h"
#include "base/error.h"
#include "storage/object_store.h"

namespace engine {

struct Range {
  base::ObjectKey key;
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
  std::size_t tag = 0;  // for the caller
};

struct FetchOptions {
  unsigned parallel = 16;                       // requests under way
  std::uint64_t waiting_bytes_max = 20U << 20;  // asked for and not yet taken; a longer range comes alone
  storage::CallContext context;
};

class RangeFetcher {
 public:
  // Asked on the caller's thread, in order, shortly before a range is requested; nullopt: no more for now. It is asked
  // again by the next call, so ranges may come to be while others are taken.
  using NextRange = std::function<std::optional<Range>()>;

  // `store` must outlive the fetcher.
  RangeFetcher(storage::ObjectStore& store, NextRange next_range, FetchOptions options);
  // Ends what is under way and waits for it.
  ~RangeFetcher();
  RangeFetcher(const RangeFetcher&) = delete;
  RangeFetcher& operator=(const RangeFetcher&) = delete;

  struct Fetched {
    Range range;
    base::Bytes bytes;  // exactly range.length
  };
  // The range that follows the one taken last; there must be one. Blocks; one thread. Errors name the key: those of the
  // store, and corrupt if the object is shorter than the range; after one the fetcher is of no more use.
  base::Result<Fetched> next();

 private:
  class Answers;
  struct Asked;
  void ask();

  storage::ObjectStore& store_;
  NextRange next_range_;
  FetchOptions options_;
  std::shared_ptr<Answers> answers_;  // shared with callbacks
  std::stop_source stop_;
  std::stop_callback<std::function<void()>> forward_stop_;
  std::optional<Range> held_back_;  // there was no room for it
  std::uint64_t waiting_bytes_ = 0;
};

}  // namespace engine
