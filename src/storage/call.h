// Small things that every store does with a CallContext.
#pragma once

#include <string>

#include "base/clock.h"
#include "storage/object_store.h"

namespace storage {

// Category::cancelled if the caller no longer wants the answer.
base::Result<> still_wanted(const CallContext& context, base::SteadyTime now);

// Checks a ListRequest's and GetRequest's numbers the same way in every store.
std::uint32_t clamp_max_keys(std::uint32_t max_keys);  // 1 to 1,000
// Whether part of an object is asked for, rather than the whole.
bool is_ranged(const GetRequest& request);
// Category::invalid if the asked range is empty or begins at or past the end of an object of `size_bytes`.
base::Result<> check_range(const GetRequest& request, std::uint64_t size_bytes);
// Bytes that the request covers of an object of `size_bytes`, once check_range() has passed.
std::uint64_t range_length(const GetRequest& request, std::uint64_t size_bytes);

}  // namespace storage
