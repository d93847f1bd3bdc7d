#include "engine/purge.h"

#include <functional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "engine/bucket_pins.h"
#include "storage/keys.h"
#include "storage/memory_store.h"

namespace engine {
namespace {

using base::Category;

const base::DatabaseId kId{"11111111-2222-3333-4444-555555555555"};
const base::DatabaseId kOther{"11111111-2222-3333-4444-555555555556"};
using RemoveCallback = storage::Callback<std::vector<storage::RemoveFailure>>;

// Passes on to a store in memory, but for deletions.
class OtherDeletions final : public storage::ObjectStore {
 public:
  void put(storage::PutRequest request, storage::CallContext context,
           storage::Callback<storage::PutResult> done) override {
    inner.put(std::move(request), std::move(context), std::move(done));
  }
  void get(storage::GetRequest request, storage::CallContext context, storage::Callback<base::Bytes> done) override {
    inner.get(std::move(request), std::move(context), std::move(done));
  }
  void head(base::ObjectKey key, storage::CallContext context, storage::Callback<storage::ObjectHead> done) override {
    inner.head(std::move(key), std::move(context), std::move(done));
  }
  void list(storage::ListRequest request, storage::CallContext context,
            storage::Callback<storage::ListPage> done) override {
    inner.list(std::move(request), std::move(context), std::move(done));
  }
  void remove(std::vector<base::ObjectKey> keys, storage::CallContext context, RemoveCallback done) override {
    ++removes;
    if (on_remove) return on_remove(std::move(keys), std::move(done));
    inner.remove(std::move(keys), std::move(context), std::move(done));
  }
  [[nodiscard]] storage::KeyLayout layout() const override { return inner.layout(); }
  [[nodiscard]] std::string display_url() const override { return inner.display_url(); }
  [[nodiscard]] storage::RequestCounts counts() const override { return inner.counts(); }

  storage::MemoryStore inner;
  std::function<void(std::vector<base::ObjectKey>, RemoveCallback)> on_remove;
  unsigned removes = 0;
};

class Purge : public ::testing::Test {
 protected:
  Purge() {
    for (std::uint64_t txid = 1; txid <= 30; ++txid) put(kId, txid);
    put(kOther, 1);
    put_key("databases/" + kId.value + "/generations/0123456789abcdef/snapshots/00000000.snapshot.lz4");
    put_key("databases/" + kId.value + "/something else");
    put_key(pin_key(kOther, base::Txid{1}).value);
  }
  void put(const base::DatabaseId& id, std::uint64_t txid) {
    put_key(storage::ltx_key(store_.layout(), storage::replica_path(id),
                             {base::Level{0}, base::Txid{txid}, base::Txid{txid}})
                .value);
  }
  void put_key(const std::string& key) {
    storage::PutRequest request;
    request.key = base::ObjectKey{key};
    request.body = std::make_shared<storage::MemoryBody>(base::Bytes(3));
    ASSERT_TRUE(storage::put_and_wait(store_.inner, std::move(request)));
  }
  base::Result<std::size_t> purge() {
    return purge_objects(store_, kId, [this] { ++pauses_; }, {});
  }

  OtherDeletions store_;
  int pauses_ = 0;
};

TEST_F(Purge, RemovesAllBelowThePrefixAndNothingElse) {
  EXPECT_EQ(purge().value(), 32U);
  EXPECT_EQ(store_.inner.keys().size(), 2U) << "the other client's object and pin";
  EXPECT_EQ(pauses_, 0);
  EXPECT_EQ(purge().value(), 0U) << "again is no error";
}

TEST_F(Purge, AStoreThatConfirmsAndKeepsIsFoundOut) {
  store_.on_remove = [](auto, RemoveCallback done) { done(std::vector<storage::RemoveFailure>{}); };
  const auto purged = purge();
  EXPECT_EQ(purged.error().category, Category::io);
  EXPECT_NE(purged.error().message.find("still has them"), std::string::npos) << purged.error().message;
  EXPECT_EQ(store_.removes, 3U);
  EXPECT_EQ(pauses_, 2);
}

TEST_F(Purge, AStoreThatTakesAMomentIsWaitedFor) {
  store_.on_remove = [&](std::vector<base::ObjectKey> keys, RemoveCallback done) {
    if (store_.removes == 1) return done(std::vector<storage::RemoveFailure>{});
    store_.inner.remove(std::move(keys), {}, std::move(done));
  };
  EXPECT_EQ(purge().value(), 32U);
  EXPECT_EQ(pauses_, 1);
}

TEST_F(Purge, RefusalIsToldAtOnceAndFailuresAreRepeated) {
  store_.on_remove = [&](std::vector<base::ObjectKey> keys, RemoveCallback done) {
    done(std::vector<storage::RemoveFailure>{{keys.front(), {Category::denied, "AccessDenied", {}}}});
  };
  EXPECT_EQ(purge().error().category, Category::denied);
  EXPECT_EQ(store_.removes, 1U);
  store_.on_remove = [&](std::vector<base::ObjectKey> keys, RemoveCallback done) {
    if (store_.removes > 2) return store_.inner.remove(std::move(keys), {}, std::move(done));
    done(std::vector<storage::RemoveFailure>{{keys.front(), {Category::retry_later, "SlowDown", {}}}});
  };
  EXPECT_TRUE(purge().has_value());
}

TEST_F(Purge, WhatComesMeanwhileIsLeftAloneAndTold) {
  store_.on_remove = [&](std::vector<base::ObjectKey> keys, RemoveCallback done) {
    put(kId, 31);
    store_.inner.remove(std::move(keys), {}, std::move(done));
  };
  const auto purged = purge();
  EXPECT_EQ(purged.error().category, Category::conflict);
  EXPECT_EQ(store_.inner.keys().size(), 3U);
}

TEST_F(Purge, GoesOnWhereAnEarlierOneEnded) {
  store_.on_remove = [&](std::vector<base::ObjectKey> keys, RemoveCallback done) {
    keys.resize(10);
    store_.inner.remove(std::move(keys), {}, [done = std::move(done)](auto) mutable {
      done(base::fail(Category::cancelled, "the process ends"));
    });
  };
  EXPECT_EQ(purge().error().category, Category::cancelled);
  store_.on_remove = {};
  EXPECT_EQ(purge().value(), 22U);
}

}  // namespace
}  // namespace engine
