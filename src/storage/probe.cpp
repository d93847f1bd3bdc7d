#include "storage/probe.h"

#include <fmt/format.h>

#include "base/random.h"

namespace storage {

std::string_view to_string(ConditionalPut answer) {
  switch (answer) {
    case ConditionalPut::honoured:
      return "honoured";
    case ConditionalPut::ignored:
      return "ignored";
    case ConditionalPut::unsupported:
      return "unsupported";
  }
  return "unknown";
}

namespace {

base::Result<ConditionalPut> put_twice(ObjectStore& store, const base::ObjectKey& key, const CallContext& context) {
  const auto text = base::as_bytes("probe of conditional writes; may be deleted\n");
  const PutRequest request{.key = key,
                           .body = std::make_shared<MemoryBody>(base::Bytes(text.begin(), text.end())),
                           .on_existing = OnExisting::fail_with_conflict};
  for (int time = 0; time < 2; ++time) {
    const auto put = put_and_wait(store, request, context);
    if (put) continue;
    // The key is random: whatever stands there is ours, from a lost answer, and the condition was honoured.
    if (put.error().category == base::Category::conflict) return ConditionalPut::honoured;
    if (put.error().category == base::Category::unsupported) return ConditionalPut::unsupported;
    return base::fail(put.error().with_context("probe of conditional writes"));
  }
  return ConditionalPut::ignored;
}

}  // namespace

base::Result<ConditionalPut> probe_conditional_put(ObjectStore& store, std::string_view prefix,
                                                   const CallContext& context) {
  const base::ObjectKey key{fmt::format("{}.litestream-manager-probe-{}", prefix, base::random_hex(16))};
  auto answer = put_twice(store, key, context);
  if (answer == ConditionalPut::unsupported) return answer;
  const auto removed = remove_and_wait(store, {key}, context);
  // Where deleting is not permitted the answer still stands; the left-over is tiny and named for what it is.
  (void)removed;
  return answer;
}

}  // namespace storage
