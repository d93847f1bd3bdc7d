#include "engine/drills.h"

#include <gtest/gtest.h>

#include "engine/bill.h"
#include "engine/holdings.h"
#include "engine/ledger.h"
#include "engine/restore_testing.h"
#include "os/testing.h"
#include "storage/memory_store.h"

namespace engine {
namespace {

using namespace std::chrono_literals;
using testing::BackupMaker;

TEST(NextDrill, SpreadsARoundEvenlyOverTheClients) {
  const base::UnixMillis started{1'000'000};
  EXPECT_EQ(next_drill(720h, 30, started, std::nullopt), started + 10min) << "the first one comes soon";
  EXPECT_EQ(next_drill(1min, 2, started, std::nullopt), started + 30s);
  EXPECT_EQ(next_drill(720h, 30, started, started + 5s), started + 5s + 24h);
  EXPECT_EQ(next_drill(720h, 1, started, started), started + 720h);
  EXPECT_EQ(next_drill(720h, 100'000, started, started), started + 25'920ms);
  EXPECT_EQ(next_drill(720h, 0, started, started), started + 720h) << "nobody there";
}

class DrillsTest : public ::testing::Test {
 protected:
  static constexpr const char* kId = "11111111-2222-3333-4444-555555555555";  // of testing::kReplica

  void SetUp() override {
    backup_.write(1, 50);
    auto ledger = Ledger::open(directory_ / "state.db");
    ASSERT_TRUE(ledger) << ledger.error().message;
    put_status();
  }

  void put_status() {
    auto status = std::make_shared<ClientStatus>();
    status->client_id = kId;
    status->replica_path = testing::kReplica;
    status->state = ClientState::idle;
    status->txid = 1;
    board_.put(std::move(status));
  }

  std::unique_ptr<Drills> start(std::chrono::milliseconds round) {
    auto drills = Drills::start({.state_directory = directory_.path(), .round = round}, store_, board_, bill_, closer_);
    EXPECT_TRUE(drills) << drills.error().message;
    return drills ? *std::move(drills) : nullptr;
  }

  VerificationStatus wait_for(const std::string& verdict) {
    const auto limit = std::chrono::steady_clock::now() + 20s;
    for (;;) {
      const auto fleet = board_.fleet();
      const auto& found = fleet->clients.front()->verification;
      if (found && found->verdict == verdict) return *found;
      if (std::chrono::steady_clock::now() > limit) {
        ADD_FAILURE() << "no verdict " << verdict;
        return {};
      }
      std::this_thread::yield();
    }
  }

  os::testing::TempDir directory_;
  storage::MemoryStore store_;
  BackupMaker backup_{store_};
  Probe probe_;
  MemoryBudget memory_{1 << 20};
  Bill bill_{base::system_clock()};
  HoldingsBook holdings_{bill_, [] {}};
  StatusBoard board_{"memory", {}, probe_, memory_, store_, base::UnixMillis{0}, bill_, holdings_};
  os::FileCloser closer_;
};

TEST_F(DrillsTest, VerdictsShowInTheClientsStatusAndAFailureIsANoticeUntilItIsMended) {
  const auto drills = start(1ms);
  const VerificationStatus good = wait_for("ok");
  EXPECT_EQ(good.txid, 1U);
  EXPECT_TRUE(board_.fleet()->notices.empty());

  const base::Bytes whole = *store_.peek(testing::key(0, 1, 1));
  base::Bytes damaged = whole;
  damaged[damaged.size() / 2] ^= 1;
  backup_.put(testing::key(0, 1, 1), damaged);
  const VerificationStatus bad = wait_for("failure");
  EXPECT_EQ(bad.object, testing::key(0, 1, 1));
  put_status();  // what the client says of itself afterwards
  EXPECT_TRUE(board_.fleet()->clients.front()->verification) << "is not forgotten by the client's next status";
  backup_.put(testing::key(0, 1, 1), whole);
  wait_for("ok");
  const auto limit = std::chrono::steady_clock::now() + 20s;
  while (!board_.fleet()->notices.empty() && std::chrono::steady_clock::now() < limit) std::this_thread::yield();
  EXPECT_TRUE(board_.fleet()->notices.empty());
}

TEST_F(DrillsTest, AFailureIsANoticeAlsoAfterARestartAndNothingIsReadAgainBeforeItIsDue) {
  {
    auto log = VerificationLog::open(directory_ / "verifications.db");
    ASSERT_TRUE(log);
    ASSERT_TRUE(log->add({.id = base::DatabaseId{kId},
                          .at = base::system_clock().unix_now(),
                          .verdict = BackupVerdict::failure,
                          .txid = base::Txid{0},
                          .duration = 1ms,
                          .read_bytes = 0,
                          .source = SourceComparison::not_compared,
                          .object = "some/key",
                          .text = "is missing"}));
  }
  const std::size_t before = store_.operations().size();
  const auto drills = start(720h);
  ASSERT_EQ(board_.fleet()->notices.size(), 1U);
  EXPECT_TRUE(board_.fleet()->notices.front().contains("some/key is missing"));
  EXPECT_EQ(wait_for("failure").object, "some/key");
  EXPECT_EQ(store_.operations().size(), before);
}

TEST_F(DrillsTest, OneThatIsAskedForCountsLikeOneOfTheSchedule) {
  const auto drills = start(0ms);
  const auto client = board_.find(kId);
  bool progressed = false;
  const auto good = drills->verify_now(*client, {}, [&](const DownloadProgress&) { progressed = true; });
  ASSERT_TRUE(good) << good.error().message;
  EXPECT_EQ(good->verdict, BackupVerdict::ok);
  EXPECT_TRUE(progressed);
  EXPECT_EQ(wait_for("ok").txid, 1U);

  base::Bytes damaged = *store_.peek(testing::key(0, 1, 1));
  damaged[damaged.size() / 2] ^= 1;
  backup_.put(testing::key(0, 1, 1), damaged);
  ASSERT_TRUE(drills->verify_now(*client, {}, {}));
  wait_for("failure");
  EXPECT_EQ(board_.fleet()->notices.size(), 1U) << "also where there is no schedule";
  auto log = VerificationLog::open(directory_ / "verifications.db");
  ASSERT_TRUE(log);
  EXPECT_EQ(log->of_client(base::DatabaseId{kId}, 10)->size(), 2U);

  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(drills->verify_now(*client, stop.get_token(), {}).error().category, base::Category::cancelled);
  EXPECT_EQ(log->of_client(base::DatabaseId{kId}, 10)->size(), 2U) << "no verdict, no record";
}

TEST_F(DrillsTest, EndsAtOnceWhileTheStoreDoesNotAnswer) {
  store_.pause();
  auto drills = start(1ms);
  const auto limit = std::chrono::steady_clock::now() + 20s;
  while (store_.operations().size() < 2 && std::chrono::steady_clock::now() < limit) std::this_thread::yield();
  drills.reset();
  EXPECT_FALSE(board_.fleet()->clients.front()->verification) << "what was not finished does not count";
}

}  // namespace
}  // namespace engine
