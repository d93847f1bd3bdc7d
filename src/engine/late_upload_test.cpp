// A store that ignores conditions, and an upload of a killed run that arrives after the next run has stored something.
#include <memory>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "engine/client_testing.h"

namespace engine::testing {
namespace {

using storage::MemoryStore;
using storage::Operation;
using storage::OperationKind;

class LateUpload : public ClientTest {
 protected:
  LateUpload() { store_->ignore_conditions(); }

  static std::string key(int level, int min, int max) {
    return fmt::format("databases/{}/{:04x}/{:016x}-{:016x}.ltx", kClientId.value, level, min, max);
  }
  // A run that is killed with this object on its way. Its bytes.
  base::Bytes die_before_it_arrives(const std::string& object) {
    store_->fail_next([](const Operation& o) { return o.kind == OperationKind::put; },
                      {base::Category::retry_later, "lost", {}}, 1, MemoryStore::FaultPoint::after);
    commit();
    EXPECT_TRUE(run_until([&] { return store_->peek(object).has_value(); }));
    base::Bytes bytes = store_->peek(object).value_or(base::Bytes());
    client_ = nullptr;
    EXPECT_TRUE(storage::remove_and_wait(*store_, {base::ObjectKey(object)}));
    return bytes;
  }
  void arrives(const std::string& object, base::Bytes bytes) {
    storage::PutRequest request;
    request.key = base::ObjectKey(object);
    request.body = std::make_shared<storage::MemoryBody>(std::move(bytes));
    ASSERT_TRUE(storage::put_and_wait(*store_, std::move(request)));
  }
  void restart(bool known) {
    late_uploads_overwrite_ = known;
    kill_and_restart();
  }
};

TEST_F(LateUpload, HarmsNothingThatWasStoredMeanwhile) {
  start_app();
  start_client();
  ASSERT_TRUE(run_until_stored());
  const std::string late = key(0, 2, 2);
  base::Bytes bytes = die_before_it_arrives(late);
  commit(3, 3000);
  restart(true);
  ASSERT_TRUE(run_until_stored());
  EXPECT_FALSE(store_->peek(late)) << "its TXID is given to nothing else";
  EXPECT_EQ(status_->txid, 3U);
  commit();
  ASSERT_TRUE(run_until_stored());

  arrives(late, std::move(bytes));
  EXPECT_TRUE(restored_pages(*store_) == committed_pages(database_));
  restart(true);
  commit();
  EXPECT_TRUE(run_until_stored());
}

TEST_F(LateUpload, OfTheVeryFirstObjectHarmsNothingEither) {
  start_app();
  start_client();
  const std::string late = key(0, 1, 1);
  base::Bytes bytes = die_before_it_arrives(late);
  commit(3, 3000);
  restart(true);
  ASSERT_TRUE(run_until_stored());
  EXPECT_FALSE(store_->peek(late));
  arrives(late, std::move(bytes));
  EXPECT_TRUE(restored_pages(*store_) == committed_pages(database_));
}

TEST_F(LateUpload, ThatIsThereByNowIsContinued) {
  start_app();
  start_client();
  ASSERT_TRUE(run_until_stored());
  const std::string late = key(0, 2, 2);
  base::Bytes bytes = die_before_it_arrives(late);
  arrives(late, std::move(bytes));
  commit();
  restart(true);
  ASSERT_TRUE(run_until_stored());
  EXPECT_TRUE(store_->peek(key(0, 3, 3)));
  EXPECT_TRUE(store_->peek(late));
}

TEST_F(LateUpload, IsLeftAgainIfTheNextRunDiesTooEarly) {
  start_app();
  start_client();
  ASSERT_TRUE(run_until_stored());
  const std::string late = key(0, 2, 2);
  base::Bytes bytes = die_before_it_arrives(late);
  commit(3, 3000);
  restart(true);
  for (int i = 0; i < 2; ++i) step();
  restart(true);
  ASSERT_TRUE(run_until_stored());
  arrives(late, std::move(bytes));
  EXPECT_TRUE(restored_pages(*store_) == committed_pages(database_));
}

}  // namespace
}  // namespace engine::testing
