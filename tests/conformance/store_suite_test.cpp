// The suite. Run it with --gtest_filter='Local/*' alone, with 'S3*' through tests/support/with-s3.
#include <algorithm>
#include <filesystem>
#include <thread>

#include <gtest/gtest.h>

#include "conformance/store_conformance.h"
#include "storage/probe.h"
#include "storage/testing.h"

namespace conformance {
namespace {

using base::Category;
using base::ObjectKey;
using storage::CallContext;
using namespace std::chrono_literals;

TEST_P(Store, GivesBackWhatWasPut) {
  for (const std::string& text :
       {std::string(), std::string("x"), std::string("a\0b\xff\r\n", 6), std::string(300'000, 'z')}) {
    ASSERT_TRUE(put("a/b/object", text, OnExisting::overwrite));
    EXPECT_EQ(get("a/b/object"), text);
    const auto head = storage::head_and_wait(store(), ObjectKey{"a/b/object"});
    ASSERT_TRUE(head);
    EXPECT_EQ(head->size_bytes, text.size());
  }
}

TEST_P(Store, AnswersNotFoundForWhatIsNotThere) {
  EXPECT_EQ(category_of(get("absent")), Category::not_found);
  EXPECT_EQ(category_of(storage::head_and_wait(store(), ObjectKey{"absent/too"})), Category::not_found);
  ASSERT_TRUE(put("there/object", "1"));
  EXPECT_EQ(category_of(get("there")), Category::not_found) << "a folder is no object";
  EXPECT_EQ(category_of(storage::head_and_wait(store(), ObjectKey{"there"})), Category::not_found);
  EXPECT_EQ(category_of(get("there/object/below")), Category::not_found);
}

TEST_P(Store, ReadsRanges) {
  ASSERT_TRUE(put("digits", "0123456789"));
  EXPECT_EQ(get("digits", 0, 1), "0");
  EXPECT_EQ(get("digits", 3, 4), "3456");
  EXPECT_EQ(get("digits", 9), "9");
  EXPECT_EQ(get("digits", 4), "456789");
  EXPECT_EQ(get("digits", 8, 100), "89") << "a range may reach past the end";
  EXPECT_EQ(category_of(get("digits", 10)), Category::invalid);
  EXPECT_EQ(category_of(get("digits", 11, 1)), Category::invalid);
  EXPECT_EQ(category_of(get("digits", 0, 0)), Category::invalid);
  EXPECT_EQ(category_of(get("absent", 5, 1)), Category::not_found);
  ASSERT_TRUE(put("empty", ""));
  EXPECT_EQ(get("empty"), "");
  EXPECT_EQ(category_of(get("empty", 0, 1)), Category::invalid);
}

TEST_P(Store, OverwritesOrRefusesAsAsked) {
  ASSERT_TRUE(put("key", "first"));
  EXPECT_EQ(category_of(put("key", "second")), Category::conflict);
  EXPECT_EQ(get("key"), "first");
  ASSERT_TRUE(put("key", "third", OnExisting::overwrite));
  EXPECT_EQ(get("key"), "third");
}

TEST_P(Store, LetsExactlyOneOfSixteenConditionalPutsWin) {
  std::vector<std::future<base::Result<storage::PutResult>>> answers;
  for (int i = 0; i < 16; ++i) answers.push_back(begin_put("race", "writer " + std::to_string(i)));
  std::vector<int> winners;
  for (int i = 0; i < 16; ++i) {
    const auto answer = answers[static_cast<std::size_t>(i)].get();
    if (answer) {
      winners.push_back(i);
    } else {
      EXPECT_EQ(answer.error().category, Category::conflict) << answer.error().message;
    }
  }
  ASSERT_EQ(winners.size(), 1U);
  EXPECT_EQ(get("race"), "writer " + std::to_string(winners[0]));
}

TEST_P(Store, TellsThatItHonoursConditions) {
  EXPECT_EQ(storage::probe_conditional_put(store(), "databases/"), storage::ConditionalPut::honoured);
  EXPECT_TRUE(keys().empty()) << "the probe leaves nothing behind";
}

TEST_P(Store, ListsInKeyOrderBelowAPrefix) {
  const std::vector<std::string> sorted = {"a-b", "a.b", "a/b/c", "a/b0", "a/c", "a0", "ab/c", "b"};
  for (auto key = sorted.rbegin(); key != sorted.rend(); ++key) ASSERT_TRUE(put(*key, *key));
  EXPECT_EQ(keys(), sorted);
  EXPECT_EQ(keys("a/"), (std::vector<std::string>{"a/b/c", "a/b0", "a/c"}));
  EXPECT_EQ(keys("a/b"), (std::vector<std::string>{"a/b/c", "a/b0"}));
  EXPECT_EQ(keys("a"), (std::vector<std::string>{"a-b", "a.b", "a/b/c", "a/b0", "a/c", "a0", "ab/c"}));
  EXPECT_TRUE(keys("c").empty());
  EXPECT_TRUE(keys("a/b/c/d").empty());
}

TEST_P(Store, ListsAfterAnyGivenPlace) {
  const std::vector<std::string> all = {"a-b", "a/b/c", "a/b/d", "a/c", "a0"};
  for (const auto& key : all) ASSERT_TRUE(put(key, "1"));
  for (const std::string after :
       {"", "a", "a-", "a-b", "a/", "a/b", "a/b/", "a/b/c", "a/b/cc", "a/b/d", "a/b0", "a/c", "a0", "b"}) {
    std::vector<std::string> expected;
    std::ranges::copy_if(all, std::back_inserter(expected), [&](const auto& key) { return key > after; });
    const auto page = list({.prefix = "", .start_after = after});
    ASSERT_TRUE(page) << page.error().message;
    std::vector<std::string> listed;
    for (const auto& object : page->objects) listed.push_back(object.key.value);
    EXPECT_EQ(listed, expected) << "after '" << after << "'";
    EXPECT_FALSE(page->next_start_after);
  }
}

TEST_P(Store, ListsAnEmptyStoreAsEmpty) {
  EXPECT_TRUE(keys().empty());
  EXPECT_TRUE(keys("databases/").empty());
}

TEST_P(Store, PagesThroughManyKeys) {
  const std::size_t count = GetParam().listing_keys;
  std::vector<std::future<base::Result<storage::PutResult>>> answers;
  std::vector<std::string> expected;
  for (std::size_t i = 0; i < count; ++i) {
    char name[32];
    std::snprintf(name, sizeof name, "many/%zu/%06zu", i % 7, i);
    expected.emplace_back(name);
    answers.push_back(begin_put(name, "12345"));
  }
  for (auto& answer : answers) ASSERT_TRUE(answer.get());
  std::ranges::sort(expected);
  EXPECT_EQ(keys("many/"), expected);

  storage::ListRequest request{.prefix = "many/", .start_after = {}, .max_keys = 97};
  std::vector<std::string> listed;
  std::size_t pages = 0;
  for (bool more = true; more; ++pages) {
    const auto page = list(request);
    ASSERT_TRUE(page) << page.error().message;
    ASSERT_LE(page->objects.size(), 97U);
    for (const auto& object : page->objects) {
      listed.push_back(object.key.value);
      EXPECT_EQ(object.size_bytes, 5U);
    }
    more = page->next_start_after.has_value();
    request.start_after = page->next_start_after.value_or("");
  }
  EXPECT_EQ(listed, expected);
  EXPECT_EQ(pages, (count + 96) / 97) << "only the last page is short";
}

TEST_P(Store, TakesKeysWithSpecialCharacters) {
  std::vector<std::string> special = {
      "k/space here",  "k/plus+plus", "k/star*",      "k/quote'\"",     "k/(round)",
      "k/[square]",    "k/tilde~",    "k/percent%20", "k/question?a=b", "k/amp&amp",
      "k/hash#1",      "k/at@colon",  "k/a:b,c;d",    "k/equals=1",     "k/bang!dollar$",
      "k/back\\slash", "k/pipe|",     "k/<tag>",      "k/caret^`",      "k/\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80",
      "k/ leading",    "k/trailing ", "k/..dots",     "k/.hidden"};
  for (const auto& key : special) {
    const auto stored = put(key, "at " + key);
    ASSERT_TRUE(stored) << key << ": " << stored.error().message;
  }
  for (const auto& key : special) EXPECT_EQ(get(key), "at " + key) << key;
  std::ranges::sort(special);
  EXPECT_EQ(keys("k/"), special);
  for (const auto& key : special) {
    const auto page = list({.prefix = key, .start_after = {}});
    ASSERT_TRUE(page);
    ASSERT_EQ(page->objects.size(), 1U) << key;
  }
  std::vector<ObjectKey> to_remove;
  for (const auto& key : special) to_remove.emplace_back(key);
  const auto failures = storage::remove_and_wait(store(), to_remove);
  ASSERT_TRUE(failures) << failures.error().message;
  EXPECT_TRUE(failures->empty());
  EXPECT_TRUE(keys("k/").empty());
}

TEST_P(Store, RemovesInBatchesAndCountsMissingKeysAsRemoved) {
  std::vector<ObjectKey> to_remove;
  for (int i = 0; i < 1100; ++i) to_remove.emplace_back("remove/" + std::to_string(i));
  for (int i = 0; i < 1100; i += 100) ASSERT_TRUE(put("remove/" + std::to_string(i), "x"));
  ASSERT_TRUE(put("keep", "x"));
  const auto failures = storage::remove_and_wait(store(), to_remove);
  ASSERT_TRUE(failures) << failures.error().message;
  EXPECT_TRUE(failures->empty());
  EXPECT_EQ(keys(), std::vector<std::string>{"keep"});
  const auto nothing = storage::remove_and_wait(store(), {});
  EXPECT_TRUE(nothing && nothing->empty());
}

TEST_P(Store, KeepsTheLitestreamTimestamp) {
  for (const auto time : {1'763'843'897'498ms, 1'763'843'897'500ms, 1'763'843'897'000ms, 1ms}) {
    ASSERT_TRUE(storage::put_and_wait(store(), {.key = ObjectKey{"stamped"},
                                                .body = body_of("x"),
                                                .on_existing = OnExisting::overwrite,
                                                .litestream_timestamp = time}));
    const auto head = storage::head_and_wait(store(), ObjectKey{"stamped"});
    ASSERT_TRUE(head);
    EXPECT_EQ(head->litestream_timestamp, time);
  }
}

TEST_P(Store, TellsWhenAnObjectWasStored) {
  const auto before = base::system_clock().unix_now() - 5s;
  ASSERT_TRUE(put("now", "x"));
  const auto after = base::system_clock().unix_now() + 5s;
  const auto head = storage::head_and_wait(store(), ObjectKey{"now"});
  ASSERT_TRUE(head);
  EXPECT_GE(head->last_modified, before);
  EXPECT_LE(head->last_modified, after);
  const auto page = list({.prefix = "now", .start_after = {}});
  ASSERT_TRUE(page && page->objects.size() == 1);
  EXPECT_GE(page->objects[0].last_modified, before);
  EXPECT_LE(page->objects[0].last_modified, after);
}

TEST_P(Store, StoresALargeBodyWhole) {
  constexpr std::uint64_t kSize = (std::uint64_t{70} << 20) + 12'345;
  const auto stored = storage::put_and_wait(store(), {.key = ObjectKey{"large"},
                                                      .body = std::make_shared<PatternBody>(kSize),
                                                      .litestream_timestamp = 1'763'843'897'498ms});
  ASSERT_TRUE(stored) << stored.error().message;
  const auto head = storage::head_and_wait(store(), ObjectKey{"large"});
  ASSERT_TRUE(head);
  EXPECT_EQ(head->size_bytes, kSize);
  EXPECT_EQ(head->litestream_timestamp, 1'763'843'897'498ms);
  const auto bytes = storage::get_and_wait(store(), {.key = ObjectKey{"large"}, .offset = 0, .length = {}});
  ASSERT_TRUE(bytes) << bytes.error().message;
  ASSERT_EQ(bytes->size(), kSize);
  std::uint64_t differing = 0;
  for (std::uint64_t i = 0; i < kSize; ++i) differing += (*bytes)[i] != PatternBody::byte_at(i) ? 1U : 0U;
  EXPECT_EQ(differing, 0U);
  EXPECT_EQ(category_of(storage::put_and_wait(
                store(), {.key = ObjectKey{"large"}, .body = std::make_shared<PatternBody>(kSize)})),
            Category::conflict);
}

TEST_P(Store, ReportsABodyThatCannotBeRead) {
  class Broken final : public storage::Body {
   public:
    explicit Broken(std::uint64_t size_bytes) : size_bytes_(size_bytes) {}
    [[nodiscard]] std::uint64_t size_bytes() const override { return size_bytes_; }
    base::Result<> read_at(std::uint64_t offset, base::MutableByteView out) const override {
      if (offset + out.size() > size_bytes_ / 2) return base::fail(Category::io, "the disk is gone");
      std::ranges::fill(out, std::uint8_t{7});
      return {};
    }

   private:
    std::uint64_t size_bytes_;
  };
  for (const std::uint64_t size : {std::uint64_t{1000}, std::uint64_t{70} << 20}) {
    const auto stored =
        storage::put_and_wait(store(), {.key = ObjectKey{"broken"}, .body = std::make_shared<Broken>(size)});
    ASSERT_FALSE(stored);
    EXPECT_EQ(stored.error().category, Category::io);
    EXPECT_NE(stored.error().message.find("the disk is gone"), std::string::npos) << stored.error().message;
    EXPECT_EQ(category_of(get("broken")), Category::not_found);
  }
  EXPECT_TRUE(keys().empty());
}

TEST_P(Store, DoesNothingForACallerWhoHasLeft) {
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(category_of(begin_put("stopped", "x", {.deadline = {}, .stop = stop.get_token()}).get()),
            Category::cancelled);
  const base::SteadyTime past = std::chrono::steady_clock::now() - 1s;
  EXPECT_EQ(category_of(begin_put("late", "x", {.deadline = past, .stop = {}}).get()), Category::cancelled);
  EXPECT_TRUE(keys().empty());
}

TEST_P(Store, EndsALargePutSoonAfterStopIsRequested) {
  // Asks to stop from inside its own upload: no clock decides how far it has come.
  class Stopping final : public storage::Body {
   public:
    explicit Stopping(std::stop_source stop) : stop_(std::move(stop)) {}
    [[nodiscard]] std::uint64_t size_bytes() const override { return std::uint64_t{256} << 20; }
    base::Result<> read_at(std::uint64_t offset, base::MutableByteView out) const override {
      std::ranges::fill(out, std::uint8_t{1});
      if (offset > (std::uint64_t{20} << 20)) stop_.request_stop();
      return {};
    }

   private:
    mutable std::stop_source stop_;
  };
  std::stop_source stop;
  const auto stored =
      storage::put_and_wait(store(), {.key = ObjectKey{"stopped"}, .body = std::make_shared<Stopping>(stop)},
                            {.deadline = {}, .stop = stop.get_token()});
  EXPECT_EQ(category_of(stored), Category::cancelled);
  EXPECT_TRUE(keys().empty());
}

TEST_P(Store, AnswersEverythingWhenItIsDestroyed) {
  std::vector<std::future<base::Result<storage::PutResult>>> answers;
  for (int i = 0; i < 200; ++i) answers.push_back(begin_put("closing/" + std::to_string(i), "x"));
  close();
  for (auto& answer : answers) {
    ASSERT_EQ(answer.wait_for(0s), std::future_status::ready);
    const auto result = answer.get();
    EXPECT_TRUE(result || result.error().category == Category::cancelled) << result.error().message;
  }
}

TEST_P(Store, TakesCallsFromInsideItsCallbacks) {
  std::promise<base::Result<base::Bytes>> got;
  store().put({.key = ObjectKey{"chain"}, .body = body_of("linked")}, {}, [&](base::Result<storage::PutResult> stored) {
    ASSERT_TRUE(stored);
    store().get({.key = ObjectKey{"chain"}, .offset = 0, .length = {}}, {},
                [&](base::Result<base::Bytes> bytes) { got.set_value(std::move(bytes)); });
  });
  const auto bytes = got.get_future().get();
  ASSERT_TRUE(bytes);
  EXPECT_EQ(base::as_text(*bytes), "linked");
}

TEST_P(Store, RunsAllCallbacksOnOneThread) {
  std::vector<std::promise<std::thread::id>> threads(40);
  for (std::size_t i = 0; i < threads.size(); ++i) {
    const ObjectKey key{"threads/" + std::to_string(i % 10)};
    if (i % 2 == 0) {
      store().put({.key = key, .body = body_of("x")}, {},
                  [&, i](const auto&) { threads[i].set_value(std::this_thread::get_id()); });
    } else {
      store().head(key, {}, [&, i](const auto&) { threads[i].set_value(std::this_thread::get_id()); });
    }
  }
  std::vector<std::thread::id> ids;
  for (auto& thread : threads) ids.push_back(thread.get_future().get());
  for (const auto& id : ids) EXPECT_EQ(id, ids[0]);
  EXPECT_NE(ids[0], std::this_thread::get_id());
}

TEST_P(Store, CountsItsRequestsByKind) {
  ASSERT_TRUE(put("counted", "12345"));
  EXPECT_FALSE(put("counted", "6"));
  ASSERT_TRUE(get("counted"));
  ASSERT_TRUE(storage::head_and_wait(store(), ObjectKey{"counted"}));
  ASSERT_TRUE(list({}));
  ASSERT_TRUE(storage::remove_and_wait(store(), {ObjectKey{"counted"}}));
  EXPECT_FALSE(get("counted"));
  const auto counts = store().counts();
  EXPECT_EQ(counts.put, 2U);
  EXPECT_EQ(counts.get, 2U);
  EXPECT_EQ(counts.head, 1U);
  EXPECT_EQ(counts.list, 1U);
  EXPECT_EQ(counts.remove, 1U);
  EXPECT_EQ(counts.failed, 1U) << "the second get";
  EXPECT_EQ(counts.refused, 1U) << "the second put: an answer, no failure";
  EXPECT_EQ(counts.retried, 0U);
  EXPECT_GE(counts.bytes_sent, 5U);
  EXPECT_GE(counts.bytes_received, 5U);
}

TEST_P(Store, TellsTheObserverOfACallOfEachRequestItSends) {
  const auto observer = std::make_shared<storage::testing::CountingObserver>();
  CallContext context;
  context.observer = observer;
  const storage::PutRequest request{ObjectKey{"watched"}, std::make_shared<storage::MemoryBody>(base::Bytes(5, 'x'))};
  ASSERT_TRUE(storage::put_and_wait(store(), request, context));
  ASSERT_TRUE(storage::get_and_wait(store(), {ObjectKey{"watched"}, 0, {}}, context));
  ASSERT_TRUE(storage::head_and_wait(store(), ObjectKey{"watched"}, context));
  ASSERT_TRUE(storage::list_all_and_wait(store(), "", context));
  ASSERT_TRUE(storage::remove_and_wait(store(), {ObjectKey{"watched"}}, context));
  ASSERT_TRUE(put("not watched", "12345"));
  const auto heard = observer->heard();
  for (const std::uint64_t requests : heard.requests) EXPECT_EQ(requests, 1U);
  EXPECT_GE(heard.sent, 5U);
  EXPECT_GE(heard.received, 5U);
}

std::string name_of(const testing::TestParamInfo<StoreUnderTest>& info) {
  return info.param.name;
}

INSTANTIATE_TEST_SUITE_P(Local, Store, testing::Values(memory_store(), file_store()), name_of);
INSTANTIATE_TEST_SUITE_P(S3, Store, testing::Values(s3_store(), retrying_s3_store()), name_of);

}  // namespace
}  // namespace conformance
