#include "storage/retry.h"

#include <algorithm>
#include <future>

#include <fmt/format.h>

#include "storage/call.h"

namespace storage {

std::chrono::milliseconds retry_delay(const RetryPolicy& policy, unsigned attempts_made,
                                      std::optional<std::chrono::milliseconds> retry_after, double random) {
  // Past 30 doublings any base has reached the ceiling; shifting further would overflow.
  const unsigned doublings = std::min(attempts_made == 0 ? 0U : attempts_made - 1, 30U);
  const std::int64_t doubled = std::max<std::int64_t>(policy.base_delay.count(), 0) << doublings;
  const std::int64_t ceiling = std::min<std::int64_t>(policy.delay_max.count(), doubled);
  const std::chrono::milliseconds jittered{static_cast<std::int64_t>(random * static_cast<double>(ceiling))};
  return std::max(jittered, retry_after.value_or(std::chrono::milliseconds(0)));
}

bool should_retry(base::Category category) {
  return base::is_transient(category);
}

namespace {

// One operation from its first attempt to its answer. Keeps itself alive through the callbacks it hands out.
template <typename T>
class RetryCall : public std::enable_shared_from_this<RetryCall<T>> {
 public:
  RetryCall(std::shared_ptr<RetryScope> scope, CallContext context, std::string subject, Attempt<T> attempt,
            Callback<T> done)
      : scope_(std::move(scope)),
        context_(std::move(context)),
        subject_(std::move(subject)),
        attempt_(std::move(attempt)),
        done_(std::move(done)),
        began_(scope_->clock.steady_now()) {}

  void begin_attempt() {
    if (scope_->stopping) return finish(cancelled("store is being closed", last_message_));
    ++attempts_;
    attempt_(context_, [self = this->shared_from_this()](base::Result<T> result) { self->decide(std::move(result)); });
  }

 private:
  void decide(base::Result<T> result) {
    if (result || !should_retry(result.error().category)) return finish(std::move(result));
    const base::Error& error = result.error();
    if (scope_->stopping || context_.stop.stop_requested()) return finish(cancelled("stop requested", error.message));
    const auto delay = retry_delay(scope_->policy, attempts_, error.retry_after, scope_->random());
    const base::SteadyTime next = scope_->clock.steady_now() + delay;
    if (context_.deadline && next >= *context_.deadline) return finish(cancelled("deadline passed", error.message));
    if (next > began_ + scope_->policy.give_up_after) {
      return finish(base::fail(error.with_context(fmt::format("{}: gave up after {} attempts", subject_, attempts_))));
    }
    last_message_ = error.message;
    wait(delay);
  }

  void wait(std::chrono::milliseconds delay) {
    ++scope_->retried;
    waiting_ = true;
    scope_->executor.post_after(delay, [self = this->shared_from_this()] { self->wake(); });
    // Holds us in a circle until leave_wait(), which the task above reaches at the latest.
    on_stop_ = std::make_unique<StopCallback>(context_.stop, [self = this->shared_from_this()] {
      self->scope_->executor.post([self] { self->stop_waiting(); });
    });
  }

  void wake() {
    if (!leave_wait()) return;
    begin_attempt();
  }

  void stop_waiting() {
    if (leave_wait()) finish(cancelled("stop requested", last_message_));
  }

  // False if the wait is over already.
  bool leave_wait() {
    on_stop_.reset();
    return std::exchange(waiting_, false);
  }

  std::unexpected<base::Error> cancelled(std::string_view why, std::string_view last) const {
    return base::fail(base::Category::cancelled,
                      fmt::format("{}: {} after {} attempts; last: {}", subject_, why, attempts_, last));
  }

  void finish(base::Result<T> result) {
    attempt_ = nullptr;  // lets go of the body before the caller hears of it
    Callback<T> done = std::move(done_);
    done(std::move(result));
  }

  using StopCallback = std::stop_callback<std::function<void()>>;

  const std::shared_ptr<RetryScope> scope_;
  const CallContext context_;
  const std::string subject_;
  Attempt<T> attempt_;
  Callback<T> done_;
  const base::SteadyTime began_;
  // The rest is touched by one thread at a time: the caller's in the first attempt, then only the executor's.
  unsigned attempts_ = 0;
  bool waiting_ = false;
  std::string last_message_;
  std::unique_ptr<StopCallback> on_stop_;
};

}  // namespace

template <typename T>
void with_retry(std::shared_ptr<RetryScope> scope, CallContext context, std::string subject, Attempt<T> attempt,
                Callback<T> done) {
  std::make_shared<RetryCall<T>>(std::move(scope), std::move(context), std::move(subject), std::move(attempt),
                                 std::move(done))
      ->begin_attempt();
}

template void with_retry(std::shared_ptr<RetryScope>, CallContext, std::string, Attempt<PutResult>,
                         Callback<PutResult>);
template void with_retry(std::shared_ptr<RetryScope>, CallContext, std::string, Attempt<base::Bytes>,
                         Callback<base::Bytes>);
template void with_retry(std::shared_ptr<RetryScope>, CallContext, std::string, Attempt<ObjectHead>,
                         Callback<ObjectHead>);
template void with_retry(std::shared_ptr<RetryScope>, CallContext, std::string, Attempt<ListPage>, Callback<ListPage>);
template void with_retry(std::shared_ptr<RetryScope>, CallContext, std::string, Attempt<std::vector<RemoveFailure>>,
                         Callback<std::vector<RemoveFailure>>);

RetryingStore::RetryingStore(std::unique_ptr<ObjectStore> inner, Executor& executor, RetryPolicy policy)
    : inner_(std::move(inner)), scope_(std::make_shared<RetryScope>(executor, policy)) {}

RetryingStore::~RetryingStore() {
  scope_->stopping = true;
  // A wake-up that saw `stopping` unset may just be starting an attempt: let it get through before the store goes.
  std::promise<void> passed;
  scope_->executor.post([&passed] { passed.set_value(); });
  passed.get_future().wait();
  // Then the inner store's destructor answers what is in flight and runs the delayed wake-ups, which see `stopping`.
}

void RetryingStore::put(PutRequest request, CallContext context, Callback<PutResult> done) {
  std::string subject = "put " + request.key.value;
  with_retry<PutResult>(
      scope_, std::move(context), std::move(subject),
      [this, request = std::move(request)](const CallContext& c, Callback<PutResult> d) {
        inner_->put(request, c, std::move(d));
      },
      std::move(done));
}

// Goes on behind what earlier attempts have received, so that a connection which always breaks after a while still
// ends. Objects are never rewritten with other bytes, and what is put together is checked by who reads it.
void RetryingStore::get(GetRequest request, CallContext context, Callback<base::Bytes> done) {
  std::string subject = "get " + request.key.value;
  auto received = std::make_shared<base::Bytes>();
  with_retry<base::Bytes>(
      scope_, std::move(context), std::move(subject),
      [this, request = std::move(request), received](const CallContext& c, Callback<base::Bytes> d) {
        GetRequest rest = request;
        rest.offset += received->size();
        if (rest.length) *rest.length -= received->size();
        rest.keep_partial = std::make_shared<base::Bytes>();
        auto partial = rest.keep_partial;
        inner_->get(
            std::move(rest), c,
            [received, partial = std::move(partial), d = std::move(d)](base::Result<base::Bytes> bytes) mutable {
              base::Bytes& news = bytes ? *bytes : *partial;
              if (!received->empty() || !bytes) received->insert(received->end(), news.begin(), news.end());
              if (bytes && !received->empty()) bytes = std::move(*received);
              d(std::move(bytes));
            });
      },
      std::move(done));
}

void RetryingStore::head(base::ObjectKey key, CallContext context, Callback<ObjectHead> done) {
  std::string subject = "head " + key.value;
  with_retry<ObjectHead>(
      scope_, std::move(context), std::move(subject),
      [this, key = std::move(key)](const CallContext& c, Callback<ObjectHead> d) {
        inner_->head(key, c, std::move(d));
      },
      std::move(done));
}

void RetryingStore::list(ListRequest request, CallContext context, Callback<ListPage> done) {
  std::string subject = "list " + request.prefix;
  with_retry<ListPage>(
      scope_, std::move(context), std::move(subject),
      [this, request = std::move(request)](const CallContext& c, Callback<ListPage> d) {
        inner_->list(request, c, std::move(d));
      },
      std::move(done));
}

void RetryingStore::remove(std::vector<base::ObjectKey> keys, CallContext context,
                           Callback<std::vector<RemoveFailure>> done) {
  std::string subject = fmt::format("remove {} keys", keys.size());
  with_retry<std::vector<RemoveFailure>>(
      scope_, std::move(context), std::move(subject),
      [this, keys = std::move(keys)](const CallContext& c, Callback<std::vector<RemoveFailure>> d) {
        inner_->remove(keys, c, std::move(d));
      },
      std::move(done));
}

RequestCounts RetryingStore::counts() const {
  RequestCounts counts = inner_->counts();
  counts.retried += scope_->retried;
  return counts;
}

}  // namespace storage
