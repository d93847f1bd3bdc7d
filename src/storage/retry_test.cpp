#include "storage/retry.h"

#include <deque>
#include <future>
#include <set>

#include <gtest/gtest.h>

#include "storage/memory_store.h"

namespace storage {
namespace {

using base::Category;
using namespace std::chrono_literals;

// Runs tasks when the test says so, and moves the clock to the time they are due.
class ManualExecutor final : public Executor, public base::Clock {
 public:
  void post(Task task) override { tasks_.emplace(now_, std::move(task)); }
  void post_after(std::chrono::milliseconds delay, Task task) override {
    delays.push_back(delay);
    tasks_.emplace(now_ + delay, std::move(task));
  }
  [[nodiscard]] base::SteadyTime steady_now() const override { return now_; }
  [[nodiscard]] base::UnixMillis unix_now() const override { return 0ms; }

  // Runs what is due now.
  void run_ready() {
    while (!tasks_.empty() && tasks_.begin()->first <= now_) run_first();
  }
  void run_all() {
    while (!tasks_.empty()) {
      now_ = std::max(now_, tasks_.begin()->first);
      run_first();
    }
  }

  std::vector<std::chrono::milliseconds> delays;

 private:
  void run_first() {
    Task task = std::move(tasks_.begin()->second);
    tasks_.erase(tasks_.begin());
    task();
  }

  base::SteadyTime now_{1h};
  std::multimap<base::SteadyTime, Task> tasks_;
};

struct Scenario {
  ManualExecutor executor;
  std::shared_ptr<RetryScope> scope =
      std::make_shared<RetryScope>(executor, RetryPolicy{}, executor, [] { return 0.5; });
  std::deque<base::Result<PutResult>> script;  // what the attempts answer; the last one repeats
  int attempts = 0;
  std::optional<base::Result<PutResult>> answer;

  void start(CallContext context = {}) {
    with_retry<PutResult>(
        scope, std::move(context), "put k",
        [this](const CallContext&, Callback<PutResult> done) {
          ++attempts;
          base::Result<PutResult> result = script.front();
          if (script.size() > 1) script.pop_front();
          done(std::move(result));
        },
        [this](base::Result<PutResult> result) {
          EXPECT_FALSE(answer) << "answered twice";
          answer = std::move(result);
        });
  }
};

base::Result<PutResult> failure(Category category, std::optional<std::chrono::milliseconds> retry_after = {}) {
  return std::unexpected(base::Error{category, "it failed", retry_after});
}

TEST(RetryDelay, IsTheJitteredExponentialOrWhatTheServerAsksFor) {
  struct Case {
    unsigned attempts_made;
    std::optional<std::chrono::milliseconds> retry_after;
    double random;
    std::chrono::milliseconds expected;
  };
  const Case cases[] = {
      {1, {}, 0.0, 0ms},       {1, {}, 0.5, 50ms},
      {1, {}, 0.999, 99ms},    {2, {}, 0.5, 100ms},
      {3, {}, 0.5, 200ms},     {8, {}, 0.5, 6'400ms},
      {9, {}, 0.5, 10'000ms},  {20, {}, 0.999, 19'980ms},
      {31, {}, 0.5, 10'000ms}, {1'000'000, {}, 0.5, 10'000ms},
      {0, {}, 0.5, 50ms},      {1, 3s, 0.5, 3'000ms},
      {9, 3s, 0.5, 10'000ms},  {1, 90s, 0.0, 90'000ms},
      {1, 0s, 0.5, 50ms},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(retry_delay(RetryPolicy{}, c.attempts_made, c.retry_after, c.random), c.expected)
        << c.attempts_made << " attempts, random " << c.random;
  }
}

TEST(RetryDelay, SurvivesExtremePolicies) {
  const RetryPolicy endless{
      .base_delay = std::chrono::hours(24), .delay_max = std::chrono::hours(240), .give_up_after = 1s};
  EXPECT_EQ(retry_delay(endless, 1000, {}, 0.5), std::chrono::hours(120));
  EXPECT_EQ(retry_delay({.base_delay = 0ms, .delay_max = 0ms, .give_up_after = 0ms}, 5, {}, 0.9), 0ms);
}

TEST(ShouldRetry, OnlyWhatMayPassByItself) {
  const std::set<Category> retried = {Category::retry_later, Category::throttled};
  for (const Category category :
       {Category::retry_later, Category::throttled, Category::not_found, Category::conflict, Category::denied,
        Category::corrupt, Category::unsupported, Category::invalid, Category::cancelled, Category::io}) {
    EXPECT_EQ(should_retry(category), retried.contains(category)) << base::to_string(category);
  }
}

TEST(Retry, RepeatsUntilItSucceeds) {
  Scenario s;
  s.script = {failure(Category::retry_later), failure(Category::throttled, 2s), PutResult{"\"e\""}};
  s.start();
  EXPECT_EQ(s.attempts, 1);
  s.executor.run_all();
  ASSERT_TRUE(s.answer && *s.answer);
  EXPECT_EQ((*s.answer)->etag, "\"e\"");
  EXPECT_EQ(s.attempts, 3);
  EXPECT_EQ(s.executor.delays, (std::vector<std::chrono::milliseconds>{50ms, 2000ms}));
  EXPECT_EQ(s.scope->retried, 2U);
}

TEST(Retry, PassesAFinalErrorOnUnchanged) {
  Scenario s;
  s.script = {failure(Category::conflict)};
  s.start();
  ASSERT_TRUE(s.answer);
  EXPECT_EQ(s.answer->error(), (base::Error{Category::conflict, "it failed", {}}));
  EXPECT_EQ(s.scope->retried, 0U);
}

TEST(Retry, GivesUpWithTheLastErrorAfterThePolicysTime) {
  Scenario s;
  s.script = {failure(Category::retry_later)};
  s.start();
  s.executor.run_all();
  ASSERT_TRUE(s.answer && !*s.answer);
  EXPECT_EQ(s.answer->error().category, Category::retry_later);
  EXPECT_NE(s.answer->error().message.find("gave up after"), std::string::npos);
  EXPECT_NE(s.answer->error().message.find("it failed"), std::string::npos);
  std::chrono::milliseconds waited{0};
  for (const auto delay : s.executor.delays) waited += delay;
  EXPECT_LE(waited, RetryPolicy{}.give_up_after);
  EXPECT_GT(s.attempts, 10);
}

TEST(Retry, GivesUpAtOnceWhenTheServerAsksForMoreTimeThanThereIs) {
  Scenario s;
  s.script = {failure(Category::throttled, 61s)};
  s.start();
  ASSERT_TRUE(s.answer && !*s.answer);
  EXPECT_EQ(s.answer->error().category, Category::throttled);
  EXPECT_EQ(s.answer->error().retry_after, 61s);
}

TEST(Retry, IsCancelledWhenNoAttemptFitsBeforeTheDeadline) {
  Scenario s;
  s.script = {failure(Category::retry_later)};
  s.start({.deadline = s.executor.steady_now() + 120ms, .stop = {}});
  s.executor.run_all();
  ASSERT_TRUE(s.answer && !*s.answer);
  EXPECT_EQ(s.answer->error().category, Category::cancelled);
  EXPECT_NE(s.answer->error().message.find("deadline passed after 2 attempts; last: it failed"), std::string::npos)
      << s.answer->error().message;
}

TEST(Retry, IsCancelledAtOnceDuringAWait) {
  Scenario s;
  s.script = {failure(Category::throttled, 30s)};
  std::stop_source stop;
  s.start({.deadline = {}, .stop = stop.get_token()});
  s.executor.run_ready();
  EXPECT_FALSE(s.answer);
  stop.request_stop();
  s.executor.run_ready();
  ASSERT_TRUE(s.answer && !*s.answer);
  EXPECT_EQ(s.answer->error().category, Category::cancelled);
  s.executor.run_all();  // the timer that is left finds nothing to do
  EXPECT_EQ(s.attempts, 1);
}

TEST(Retry, BeginsNoAttemptOnceItsStoreIsClosing) {
  Scenario s;
  s.script = {failure(Category::retry_later)};
  s.start();
  s.scope->stopping = true;
  s.executor.run_all();
  ASSERT_TRUE(s.answer && !*s.answer);
  EXPECT_EQ(s.answer->error().category, Category::cancelled);
  EXPECT_EQ(s.attempts, 1);
}

struct Stores {
  MemoryStore* inner = nullptr;
  std::unique_ptr<RetryingStore> store;
};

Stores make_stores() {
  auto memory = std::make_unique<MemoryStore>();
  MemoryStore* inner = memory.get();
  const RetryPolicy quick{.base_delay = 1ms, .delay_max = 2ms, .give_up_after = 10s};
  return {inner, std::make_unique<RetryingStore>(std::move(memory), inner->executor(), quick)};
}

PutRequest put_of(std::string key) {
  return {.key = base::ObjectKey{std::move(key)}, .body = std::make_shared<MemoryBody>(base::Bytes{1, 2, 3})};
}

MemoryStore::Predicate any() {
  return [](const Operation&) { return true; };
}

TEST(RetryingStore, HidesPassingFailuresOfEveryOperationAndCountsThem) {
  auto [inner, store] = make_stores();
  inner->fail_next(any(), {Category::retry_later, "down", {}}, 2);
  EXPECT_TRUE(put_and_wait(*store, put_of("k")));
  inner->fail_next(any(), {Category::throttled, "slow", {}});
  EXPECT_TRUE(get_and_wait(*store, {.key = base::ObjectKey{"k"}, .offset = 0, .length = {}}));
  inner->fail_next(any(), {Category::retry_later, "down", {}});
  EXPECT_TRUE(head_and_wait(*store, base::ObjectKey{"k"}));
  inner->fail_next(any(), {Category::retry_later, "down", {}});
  EXPECT_TRUE(list_all_and_wait(*store, ""));
  inner->fail_next(any(), {Category::retry_later, "down", {}});
  EXPECT_TRUE(remove_and_wait(*store, {base::ObjectKey{"k"}}));
  EXPECT_EQ(store->counts().retried, 6U);
  EXPECT_EQ(store->counts().put, 3U);
}

TEST(RetryingStore, ReportsAConflictWhenALostPutMeetsItsOwnObject) {
  auto [inner, store] = make_stores();
  inner->fail_next(any(), {Category::retry_later, "answer lost", {}}, 1, MemoryStore::FaultPoint::after);
  const auto stored = put_and_wait(*store, put_of("k"));
  ASSERT_FALSE(stored);
  EXPECT_EQ(stored.error().category, Category::conflict);
  EXPECT_EQ(inner->peek("k"), (base::Bytes{1, 2, 3}));
}

TEST(RetryingStore, DestructionEndsWaitsAtOnce) {
  auto memory = std::make_unique<MemoryStore>();
  MemoryStore* inner = memory.get();
  inner->fail_next(any(), {Category::throttled, "slow", 1h}, 1000);
  const RetryPolicy patient{.base_delay = 1ms, .delay_max = 2ms, .give_up_after = std::chrono::hours(10)};
  auto store = std::make_unique<RetryingStore>(std::move(memory), inner->executor(), patient);
  std::vector<Category> answers;
  for (int i = 0; i < 10; ++i) {
    store->put(put_of(std::to_string(i)), {}, [&](const auto& result) { answers.push_back(result.error().category); });
  }
  EXPECT_TRUE(list_all_and_wait(*inner, "").error().retry_after) << "all ten have had their first attempt by now";
  store.reset();
  EXPECT_EQ(answers, std::vector<Category>(10, Category::cancelled));
}

}  // namespace
}  // namespace storage
