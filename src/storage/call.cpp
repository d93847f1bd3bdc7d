#include "storage/call.h"

#include <algorithm>

#include <fmt/format.h>

namespace storage {

namespace {
constexpr std::uint32_t kListKeysMax = 1000;
}

base::Result<> still_wanted(const CallContext& context, base::SteadyTime now) {
  if (context.stop.stop_requested()) return base::fail(base::Category::cancelled, "stop requested");
  if (context.deadline && now >= *context.deadline) return base::fail(base::Category::cancelled, "deadline passed");
  return {};
}

std::uint32_t clamp_max_keys(std::uint32_t max_keys) {
  return std::clamp(max_keys, std::uint32_t{1}, kListKeysMax);
}

bool is_ranged(const GetRequest& request) {
  return request.offset > 0 || request.length.has_value();
}

base::Result<> check_range(const GetRequest& request, std::uint64_t size_bytes) {
  if (!is_ranged(request)) return {};
  if (request.length == 0) {
    return base::fail(base::Category::invalid, fmt::format("get {}: a range of 0 bytes", request.key.value));
  }
  if (request.offset >= size_bytes) {
    return base::fail(base::Category::invalid, fmt::format("get {}: range begins at {}, but the object has {} bytes",
                                                           request.key.value, request.offset, size_bytes));
  }
  return {};
}

std::uint64_t range_length(const GetRequest& request, std::uint64_t size_bytes) {
  const std::uint64_t left = size_bytes - request.offset;
  return request.length ? std::min(*request.length, left) : left;
}

}  // namespace storage
