// What only the memory store does; the rest is in tests/conformance.
#include "storage/memory_store.h"

#include <future>

#include <gtest/gtest.h>

namespace storage {
namespace {

using base::Category;
using namespace std::chrono_literals;

PutRequest put_of(std::string key) {
  return {.key = base::ObjectKey{std::move(key)}, .body = std::make_shared<MemoryBody>(base::Bytes{1})};
}

TEST(MemoryStore, FailsWhatThePredicateChoosesAndAsOftenAsAsked) {
  MemoryStore store;
  store.fail_next([](const Operation& o) { return o.kind == OperationKind::put && o.key == "b"; },
                  {Category::denied, "not you", {}}, 2);
  EXPECT_TRUE(put_and_wait(store, put_of("a")));
  EXPECT_EQ(put_and_wait(store, put_of("b")).error().message, "not you");
  EXPECT_EQ(put_and_wait(store, put_of("b")).error().category, Category::denied);
  EXPECT_TRUE(put_and_wait(store, put_of("b")));
  EXPECT_EQ(store.counts().failed, 2U);
}

TEST(MemoryStore, CanLoseTheAnswerOfAnOperationThatTookEffect) {
  MemoryStore store;
  store.fail_next([](const Operation&) { return true; }, {Category::retry_later, "lost", {}}, 1,
                  MemoryStore::FaultPoint::after);
  EXPECT_FALSE(put_and_wait(store, put_of("a")));
  EXPECT_EQ(store.keys(), std::vector<std::string>{"a"});
}

TEST(MemoryStore, RecordsOperationsInOrder) {
  MemoryStore store;
  ASSERT_TRUE(put_and_wait(store, put_of("a")));
  ASSERT_TRUE(list_all_and_wait(store, "p"));
  ASSERT_TRUE(remove_and_wait(store, {base::ObjectKey{"a"}}));
  EXPECT_EQ(
      store.operations(),
      (std::vector<Operation>{{OperationKind::put, "a"}, {OperationKind::list, "p"}, {OperationKind::remove, "a"}}));
}

TEST(MemoryStore, HoldsOperationsWhilePausedAndGoesOnInOrder) {
  MemoryStore store;
  store.pause();
  std::vector<int> order;
  std::promise<void> all;
  for (int i = 0; i < 3; ++i) {
    store.put(put_of(std::to_string(i)), {}, [&, i](const auto& result) {
      EXPECT_TRUE(result);
      order.push_back(i);
      if (i == 2) all.set_value();
    });
  }
  EXPECT_TRUE(store.keys().empty());
  store.resume();
  all.get_future().wait();
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2}));
}

TEST(MemoryStore, CancelsPausedAndDelayedOperationsAtOnce) {
  for (const bool paused : {true, false}) {
    MemoryStore store;
    if (paused) store.pause();
    store.set_delay(1h);
    std::stop_source stop;
    std::promise<Category> stopped;
    store.put(put_of("a"), {.deadline = {}, .stop = stop.get_token()},
              [&](const auto& result) { stopped.set_value(result.error().category); });
    stop.request_stop();
    EXPECT_EQ(stopped.get_future().get(), Category::cancelled);
    const base::SteadyTime soon = std::chrono::steady_clock::now() + 10ms;
    EXPECT_EQ(put_and_wait(store, put_of("a"), {.deadline = soon, .stop = {}}).error().category, Category::cancelled);
    EXPECT_TRUE(store.keys().empty());
  }
}

TEST(MemoryStore, AnswersPausedAndDelayedOperationsWhenDestroyed) {
  int answers = 0;
  {
    MemoryStore store;
    store.set_delay(1h);
    store.put(put_of("delayed"), {},
              [&](const auto& result) { answers += result.error().category == Category::cancelled; });
    store.pause();
    store.put(put_of("paused"), {},
              [&](const auto& result) { answers += result.error().category == Category::cancelled; });
  }
  EXPECT_EQ(answers, 2);
}

TEST(MemoryStore, TakesTheLayoutItIsToldToHave) {
  EXPECT_EQ(MemoryStore(KeyLayout::file).layout(), KeyLayout::file);
  EXPECT_EQ(MemoryStore().layout(), KeyLayout::s3);
}

}  // namespace
}  // namespace storage
