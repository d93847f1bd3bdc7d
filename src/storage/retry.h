// The one place where operations are repeated.
//
// retry_delay() and should_retry() are the pure decisions; with_retry() is the loop; RetryingStore puts the loop around
// every operation of another store. (The S3 store uses the same loop for the parts of a multipart upload, so that one
// lost part does not cost the others.)
//
// A PUT whose answer was lost and that is repeated with OnExisting::fail_with_conflict may meet the object that its own
// first attempt stored. That is reported as a plain Category::conflict: nothing here can tell it from another writer's
// object. The caller reads the object on every conflict and settles it by the lineage inside.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/random.h"
#include "storage/executor.h"
#include "storage/object_store.h"

namespace storage {

struct RetryPolicy {
  std::chrono::milliseconds base_delay{100};
  std::chrono::milliseconds delay_max{20'000};
  // No further attempt begins so long after the first: the last error is returned. An attempt under way is not cut
  // short.
  std::chrono::milliseconds give_up_after{60'000};
};

// Wait before attempt `attempts_made` + 1: full jitter over an exponential ceiling, random * min(delay_max, base_delay
// * 2^(attempts_made - 1)), and never sooner than the server asked for. `random` is in [0, 1).
std::chrono::milliseconds retry_delay(const RetryPolicy& policy, unsigned attempts_made,
                                      std::optional<std::chrono::milliseconds> retry_after, double random);

// retry_later and throttled only. A conflict is an answer; the others need a person or another request.
bool should_retry(base::Category category);

// What the calls of one store share. `executor` and `clock` outlive it.
struct RetryScope {
  Executor& executor;
  RetryPolicy policy;
  const base::Clock& clock = base::system_clock();
  std::function<double()> random = base::random_unit;
  std::atomic<std::uint64_t> retried = 0;
  std::atomic<bool> stopping = false;  // waits end with Category::cancelled, and no new attempt begins
};

template <typename T>
using Attempt = std::move_only_function<void(const CallContext&, Callback<T>)>;

// Calls `attempt` until it succeeds, fails for good, the context ends (Category::cancelled, at once also during a wait)
// or the policy gives up (last error, with the number of attempts). The first attempt begins inside this call.
template <typename T>
void with_retry(std::shared_ptr<RetryScope> scope, CallContext context, std::string subject, Attempt<T> attempt,
                Callback<T> done);

class RetryingStore final : public ObjectStore {
 public:
  // `executor` belongs to `inner` and dies with it; callbacks stay on its thread.
  RetryingStore(std::unique_ptr<ObjectStore> inner, Executor& executor, RetryPolicy policy = {});
  ~RetryingStore() override;

  void put(PutRequest request, CallContext context, Callback<PutResult> done) override;
  void get(GetRequest request, CallContext context, Callback<base::Bytes> done) override;
  void head(base::ObjectKey key, CallContext context, Callback<ObjectHead> done) override;
  void list(ListRequest request, CallContext context, Callback<ListPage> done) override;
  void remove(std::vector<base::ObjectKey> keys, CallContext context,
              Callback<std::vector<RemoveFailure>> done) override;
  [[nodiscard]] KeyLayout layout() const override { return inner_->layout(); }
  [[nodiscard]] std::string display_url() const override { return inner_->display_url(); }
  [[nodiscard]] RequestCounts counts() const override;  // the inner store's, and `retried`

 private:
  std::unique_ptr<ObjectStore> inner_;
  std::shared_ptr<RetryScope> scope_;
};

}  // namespace storage
