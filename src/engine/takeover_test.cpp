#include "engine/takeover.h"

#include <gtest/gtest.h>

#include "engine/ledger.h"
#include "engine/testing.h"
#include "ltx/provenance.h"
#include "storage/keys.h"
#include "storage/memory_store.h"

namespace engine {
namespace {

using base::Category;
using storage::MemoryStore;

const base::DatabaseId kId{"11111111-2222-3333-4444-555555555555"};
constexpr base::UnixMillis kWritten{1'700'000'000'000};

// As a server that knows no If-None-Match.
class IgnoresConditions final : public storage::ObjectStore {
 public:
  void put(storage::PutRequest request, storage::CallContext context,
           storage::Callback<storage::PutResult> done) override {
    request.on_existing = storage::OnExisting::overwrite;
    store_.put(std::move(request), std::move(context), std::move(done));
  }
  void get(storage::GetRequest request, storage::CallContext context, storage::Callback<base::Bytes> done) override {
    store_.get(std::move(request), std::move(context), std::move(done));
  }
  void head(base::ObjectKey key, storage::CallContext context, storage::Callback<storage::ObjectHead> done) override {
    store_.head(std::move(key), std::move(context), std::move(done));
  }
  void list(storage::ListRequest request, storage::CallContext context,
            storage::Callback<storage::ListPage> done) override {
    store_.list(std::move(request), std::move(context), std::move(done));
  }
  void remove(std::vector<base::ObjectKey> keys, storage::CallContext context,
              storage::Callback<std::vector<storage::RemoveFailure>> done) override {
    store_.remove(std::move(keys), std::move(context), std::move(done));
  }
  [[nodiscard]] storage::KeyLayout layout() const override { return store_.layout(); }
  [[nodiscard]] std::string display_url() const override { return store_.display_url(); }
  [[nodiscard]] storage::RequestCounts counts() const override { return store_.counts(); }

 private:
  MemoryStore store_;
};

TEST(Fencing, IsAskedForUnlessItIsKnown) {
  MemoryStore good;
  EXPECT_TRUE(require_fencing(good, "honoured"));
  EXPECT_EQ(good.counts().put, 0U);
  EXPECT_TRUE(require_fencing(good, ""));
  EXPECT_TRUE(require_fencing(good, "ignored")) << "another server may stand there now";
  EXPECT_TRUE(good.keys().empty()) << "the probe leaves nothing behind";
}

TEST(Fencing, IsRefusedWhereTheStoreIgnoresConditions) {
  IgnoresConditions store;
  const auto refused = require_fencing(store, "");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().category, Category::conflict);
  EXPECT_NE(refused.error().message.find("-without-fencing"), std::string::npos);
}

class Takeover : public ::testing::Test {
 protected:
  Takeover() { std::filesystem::create_directory(takeover_directory(state_.path())); }
  void put(std::uint8_t level, std::uint64_t min, std::uint64_t max, std::optional<std::uint64_t> lineage) {
    ltx::Header header;
    header.page_size = 512;
    header.commit = 1;
    header.min_txid = base::Txid{min};
    header.max_txid = base::Txid{max};
    header.timestamp = kWritten + std::chrono::seconds(max);
    if (lineage) ltx::set_provenance(header, {1, *lineage});
    base::Bytes bytes;
    ltx::Encoder encoder(header, [&](base::ByteView part) -> base::Result<> {
      bytes.insert(bytes.end(), part.begin(), part.end());
      return {};
    });
    ASSERT_TRUE(encoder.add_page(1, base::Bytes(512, 7)));
    ASSERT_TRUE(encoder.finish());
    put_bytes(level, min, max, std::move(bytes));
  }
  void put_bytes(std::uint8_t level, std::uint64_t min, std::uint64_t max, base::Bytes bytes) {
    ASSERT_TRUE(
        storage::put_and_wait(store_, {.key = storage::ltx_key(store_.layout(), storage::replica_path(kId),
                                                               {base::Level{level}, base::Txid{min}, base::Txid{max}}),
                                       .body = std::make_shared<storage::MemoryBody>(std::move(bytes))}));
  }
  std::optional<ForeignHistory> find(std::uint64_t stored) {
    KnownClient client;
    client.id = kId;
    client.txid = base::Txid{stored};
    return find_foreign_history(store_, client, ledger_->lineages(), kWritten).value();
  }

  os::testing::TempDir state_;
  MemoryStore store_;
  std::unique_ptr<Ledger> ledger_ = std::move(*Ledger::open(state_ / "state.db"));
};

TEST_F(Takeover, RequestsLastUntilTheyAreClosed) {
  ASSERT_TRUE(request_takeover(state_.path(), kId));
  ASSERT_TRUE(request_takeover(state_.path(), kId)) << "once more is the same request";
  EXPECT_EQ(takeover_requests(state_.path()).value(), std::vector{kId});
  ASSERT_TRUE(close_takeover_request(state_.path(), kId));
  ASSERT_TRUE(close_takeover_request(state_.path(), kId));
  EXPECT_TRUE(takeover_requests(state_.path())->empty());
}

TEST_F(Takeover, ForeignHistoryBeginsAfterWhatWasStoredAndEndsWithTheNewestOfAllLevels) {
  put(0, 1, 1, ledger_->lineages().current());
  EXPECT_FALSE(find(1));
  put(0, 4, 4, 77);
  put(1, 2, 3, 77);
  put(9, 1, 5, 77);
  const auto found = find(1);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->first.txid, 3U);
  EXPECT_EQ(found->first.writer, ForeignWriter::manager);
  EXPECT_EQ(found->first.lineage, 77U);
  EXPECT_EQ(found->first.since, kWritten + std::chrono::seconds(3));
  EXPECT_EQ(found->newest.value, 5U);
}

TEST_F(Takeover, ForeignHistoryOfLitestreamAndOfGarbageIsNamed) {
  put(0, 2, 2, std::nullopt);
  EXPECT_EQ(find(1)->first.writer, ForeignWriter::litestream);
  put_bytes(0, 3, 3, base::Bytes(300, 1));
  EXPECT_EQ(find(2)->first.writer, ForeignWriter::unreadable);
  EXPECT_FALSE(find(2)->first.since);
  put_bytes(0, 4, 4, {});
  EXPECT_EQ(find(3)->first.writer, ForeignWriter::unreadable) << "an object without a byte";
}

TEST_F(Takeover, AViewOfTheStateIsTakenBesideTheDaemon) {
  ClientRecord record = *ledger_->find_or_create(kId, "/srv/a.db", kWritten);
  ASSERT_TRUE(ledger_->record_attempt(record.row, base::Txid{3}));
  ASSERT_TRUE(ledger_->remember("conditional_put memory://", "honoured"));
  const auto view = read_ledger(state_ / "state.db");
  ASSERT_TRUE(view) << view.error().message;
  ASSERT_EQ(view->clients.size(), 1U);
  EXPECT_EQ(view->clients.front().id, kId);
  EXPECT_EQ(view->clients.front().path, "/srv/a.db");
  EXPECT_EQ(view->clients.front().txid.value, 0U);
  EXPECT_EQ(view->clients.front().attempted.value, 3U);
  EXPECT_EQ(view->facts.at("conditional_put memory://"), "honoured");
  const std::uint64_t run = ledger_->lineages().current();
  EXPECT_TRUE(view->lineages.is_ours(run));
  EXPECT_TRUE(view->lineages.is_of_directory(run ^ 0xff00)) << "another run of the same directory";
  EXPECT_FALSE(view->lineages.is_of_directory(run ^ (1ULL << 63)));
  EXPECT_EQ(read_ledger(state_ / "none.db").error().category, Category::not_found);
}

}  // namespace
}  // namespace engine
