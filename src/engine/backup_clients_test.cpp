#include "engine/backup_clients.h"

#include <algorithm>
#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "storage/memory_store.h"

namespace engine {
namespace {

void put(storage::ObjectStore& store, const std::string& key, std::size_t size = 3) {
  storage::PutRequest request;
  request.key = base::ObjectKey{key};
  request.body = std::make_shared<storage::MemoryBody>(base::Bytes(size));
  ASSERT_TRUE(storage::put_and_wait(store, std::move(request)));
}

std::string id(int n) {
  return fmt::format("{:08x}-0000-4000-8000-00000000000a", n);
}

TEST(BackupClients, AreAllWithTheirObjectsAndNothingElse) {
  storage::MemoryStore store;
  for (const char* foreign : {"databases/readme", "databases/x/0000/1.ltx",
                              "elsewhere/"
                              "0/1",
                              "databases/"}) {
    put(store, foreign);
  }
  for (int n = 1; n <= 5; ++n) {
    for (int object = 0; object < n; ++object) put(store, fmt::format("databases/{}/0000/{}.ltx", id(n), object), 10);
  }
  const auto clients = list_backed_up_clients(store, {});
  ASSERT_TRUE(clients);
  ASSERT_EQ(clients->size(), 5U);
  for (int n = 1; n <= 5; ++n) {
    const BackedUpClient& client = (*clients)[static_cast<std::size_t>(n) - 1];
    EXPECT_EQ(client.id.value, id(n));
    EXPECT_EQ(client.objects, static_cast<std::size_t>(n));
    EXPECT_EQ(client.size_bytes, static_cast<std::uint64_t>(n) * 10);
    EXPECT_GT(client.newest.count(), 0);
  }
}

TEST(BackupClients, TheRestOfALargeClientIsPassedOver) {
  storage::MemoryStore store;
  for (int object = 0; object < 5000; ++object) put(store, fmt::format("databases/{}/0000/{:06}.ltx", id(1), object));
  put(store, fmt::format("databases/{}/0000/1.ltx", id(2)));
  put(store, fmt::format("databases/{}/0000/1.ltx", id(3)));
  const auto clients = list_backed_up_clients(store, {});
  ASSERT_TRUE(clients);
  EXPECT_EQ(clients->size(), 3U);
  EXPECT_EQ(std::ranges::count(store.operations(), storage::OperationKind::list, &storage::Operation::kind), 2);
}

TEST(BackupClients, AnEmptyBucketHasNoneAndAFailureIsPassedOn) {
  storage::MemoryStore store;
  EXPECT_TRUE(list_backed_up_clients(store, {}).value().empty());
  store.fail_next([](const storage::Operation&) { return true; }, {base::Category::denied, "no", std::nullopt});
  EXPECT_EQ(list_backed_up_clients(store, {}).error().category, base::Category::denied);
}

}  // namespace
}  // namespace engine
