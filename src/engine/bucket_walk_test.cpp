#include "engine/bucket_walk.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "engine/bucket_pins.h"
#include "engine/retention_preview.h"
#include "storage/keys.h"
#include "storage/memory_store.h"

namespace engine {
namespace {

using namespace std::chrono_literals;

const base::DatabaseId kOne{"11111111-2222-3333-4444-555555555555"};
const base::DatabaseId kTwo{"AAAAAAAA-2222-3333-4444-555555555555"};

class BucketWalk : public ::testing::Test {
 protected:
  void put(const std::string& key, std::size_t size = 3, base::UnixMillis time = base::UnixMillis{1}) {
    storage::PutRequest request;
    request.key = base::ObjectKey{key};
    request.body = std::make_shared<storage::MemoryBody>(base::Bytes(size));
    request.litestream_timestamp = time;
    ASSERT_TRUE(storage::put_and_wait(store_, std::move(request)));
  }
  void put_ltx(const base::DatabaseId& id, std::uint8_t level, std::uint64_t min, std::uint64_t max,
               base::UnixMillis time = base::UnixMillis{1}) {
    put(storage::ltx_key(store_.layout(), storage::replica_path(id),
                         {base::Level{level}, base::Txid{min}, base::Txid{max}})
            .value,
        100, time);
  }
  std::vector<ClientPrefix> walk() {
    std::vector<ClientPrefix> clients;
    foreign_.clear();
    const auto walked = walk_bucket(store_, {},
                                    {.client = [&](ClientPrefix& client) -> base::Result<> {
                                       clients.push_back(std::move(client));
                                       return {};
                                     },
                                     .foreign = [&](const auto& object) { foreign_.push_back(object.key.value); }});
    EXPECT_TRUE(walked.has_value());
    return clients;
  }

  storage::MemoryStore store_;
  std::vector<std::string> foreign_;
};

TEST_F(BucketWalk, TellsBackupsOldBackupsPinsAndForeignObjectsApart) {
  put_ltx(kOne, 0, 1, 1);
  put_ltx(kOne, 9, 1, 1);
  put("databases/" + kOne.value + "/generations/0123456789abcdef/snapshots/00000000.snapshot.lz4");
  put("databases/" + kOne.value + "/notes.txt", 7);
  put_ltx(kTwo, 0, 1, 1);
  put(pin_key(kOne, base::Txid{1}).value);
  put("databases/readme");
  put("databases/not-a-guid/0000/x.ltx");
  put("elsewhere/x");
  const auto clients = walk();
  ASSERT_EQ(clients.size(), 2U);
  EXPECT_EQ(clients[0].id, kOne);
  EXPECT_EQ(clients[0].files.size(), 2U);
  EXPECT_EQ(clients[0].generations.size(), 1U);
  ASSERT_EQ(clients[0].foreign.size(), 1U);
  EXPECT_EQ(clients[0].foreign[0].key.value, "databases/" + kOne.value + "/notes.txt");
  EXPECT_EQ(clients[0].objects(), 4U);
  EXPECT_EQ(clients[0].size_bytes(), 210U);
  EXPECT_EQ(clients[1].id, kTwo);
  EXPECT_EQ(foreign_, (std::vector<std::string>{"databases/not-a-guid/0000/x.ltx", "databases/readme"}));
}

TEST_F(BucketWalk, AClientsObjectsStayTogetherOverPages) {
  for (std::uint64_t txid = 1; txid <= 1500; ++txid) put_ltx(kOne, 0, txid, txid);
  for (std::uint64_t txid = 1; txid <= 1100; ++txid) put_ltx(kTwo, 0, txid, txid);
  const auto clients = walk();
  ASSERT_EQ(clients.size(), 2U);
  EXPECT_EQ(clients[0].files.size(), 1500U);
  EXPECT_EQ(clients[1].files.size(), 1100U);
  EXPECT_EQ(list_client(store_, kTwo, {})->files.size(), 1100U);
  EXPECT_EQ(store_.counts().list, 3U + 2U);
}

TEST_F(BucketWalk, AnErrorOfTheVisitorEndsIt) {
  put_ltx(kOne, 0, 1, 1);
  put_ltx(kTwo, 0, 1, 1);
  int visits = 0;
  const auto walked = walk_bucket(store_, {}, {.client = [&](ClientPrefix&) -> base::Result<> {
                                    ++visits;
                                    return base::fail(base::Category::io, "enough");
                                  }});
  EXPECT_EQ(walked.error().message, "enough");
  EXPECT_EQ(visits, 1);
}

// The store has had the merged object for a moment only; its last transaction is of the hour before.
TEST_F(BucketWalk, APreviewGoesByTheTimesOfTransactionsNotOfMerges) {
  const base::UnixMillis now = base::system_clock().unix_now();
  const base::UnixMillis old = now - 30h;
  put_ltx(kOne, 9, 1, 10, old - 1h);
  put_ltx(kOne, 1, 11, 20, old);
  put_ltx(kOne, 0, 21, 21, now - 1min);
  auto client = *list_client(store_, kOne, {});
  const history::RetentionPolicy policy{false, 24h, 0h, 0h, 0h, 0h};
  const auto preview = preview_retention(store_, client, policy, {}, now, {});
  ASSERT_TRUE(preview.has_value());
  EXPECT_TRUE(preview->intact);
  ASSERT_EQ(preview->plan.kept.size(), 2U) << "the state at the beginning of the window, and the newest";
  EXPECT_EQ(preview->plan.kept[0].last, base::Txid{20});
  EXPECT_EQ(preview->plan.kept[0].first_time, old);
  EXPECT_TRUE(preview->plan.removals.empty());
}

TEST_F(BucketWalk, APreviewSaysThatABrokenBackupIsNotTouchedAndWhichPinsAreLost) {
  put_ltx(kOne, 0, 1, 1);
  put_ltx(kOne, 0, 3, 3);
  auto broken = *list_client(store_, kOne, {});
  EXPECT_FALSE(preview_retention(store_, broken, {}, {}, base::system_clock().unix_now(), {})->intact);
  put_ltx(kTwo, 9, 1, 5);
  auto whole = *list_client(store_, kTwo, {});
  const std::vector<history::Pin> pins{{base::Txid{3}, {}, "gone"}, {base::Txid{5}, {}, "there"}};
  const auto preview = preview_retention(store_, whole, {}, pins, base::system_clock().unix_now(), {});
  EXPECT_TRUE(preview->intact);
  EXPECT_EQ(preview->lost_pins, std::vector{base::Txid{3}});
}

}  // namespace
}  // namespace engine
