// Two that believe themselves to be the writer of one prefix: strangers, and copies of one state directory.
#include <gtest/gtest.h>

#include "engine/client_testing.h"

namespace engine::testing {
namespace {

using namespace std::chrono_literals;

class ClientFence : public ClientTest {
 protected:
  // Each has a process's memory of its own; both see the same database.
  void turn_to(std::size_t which) {
    client_ = clients_.at(which).get();
    status_.reset();
    happens(FileEventKind::log_modified);
    clock_.advance(1s);
  }
  bool run_until_state(std::size_t which, ClientState state) {
    turn_to(which);
    return run_until([&] { return status_ && status_->state == state; });
  }
  void copy_state(const std::string& to) {
    for (const char* part : {"", "-wal"}) {
      os::testing::write_text((dir_ / to).string() + part, os::testing::read_text((dir_ / "state.db").string() + part));
    }
  }
  std::map<std::string, base::Bytes> bucket() const {
    std::map<std::string, base::Bytes> all;
    for (const std::string& key : store_->keys()) all[key] = *store_->peek(key);
    return all;
  }
  void expect_kept(const std::map<std::string, base::Bytes>& earlier) {
    const auto now = bucket();
    for (const auto& [key, bytes] : earlier) {
      ASSERT_TRUE(now.contains(key)) << key;
      EXPECT_TRUE(now.at(key) == bytes) << key << " was overwritten";
    }
  }
};

// A virtual machine that was cloned while its daemon ran: the copy knows the lineage under which the original goes on.
TEST_F(ClientFence, ACopyOfTheStateDirectoryDoesNotMixItsHistoryWithTheOriginals) {
  start_app();
  start_client();
  ASSERT_TRUE(run_until_stored());
  copy_state("copy.db");
  clock_.advance(1min);
  start_client("copy.db");
  clock_.advance(1min);

  commit();
  turn_to(0);
  ASSERT_TRUE(run_until([&] { return status_ && status_->txid == 2; }));
  const auto earlier = bucket();
  ASSERT_TRUE(run_until_state(1, ClientState::conflict));
  EXPECT_TRUE(bucket() == earlier) << "the copy added to the original's history";
  commit();
  turn_to(0);
  EXPECT_TRUE(run_until([&] { return status_ && status_->txid == 3; })) << "the original goes on";
  expect_kept(earlier);
}

// Strangers: each has a state directory of its own.
class ClientTakeover : public ClientFence {
 protected:
  // Client 1 took up where client 0 had been, and client 0 found out.
  void SetUp() override {
    start_app();
    start_client();
    ASSERT_TRUE(run_until_stored());
    commit();
    start_client("other.db");
    clock_.advance(1min);
    stored_at_ = clock_.unix_now();
    ASSERT_TRUE(run_until([&] { return status_ && status_->txid == 2; }));
    clock_.advance(1min);
    ASSERT_TRUE(run_until_state(0, ClientState::conflict));
  }
  base::UnixMillis stored_at_{0};
};

TEST_F(ClientTakeover, AConflictSaysWhoAndSinceWhen) {
  ASSERT_TRUE(status_->conflict);
  EXPECT_EQ(status_->conflict->writer, ForeignWriter::manager);
  EXPECT_EQ(status_->conflict->lineage, ledgers_.at(1)->lineages().current());
  EXPECT_EQ(status_->conflict->txid, 2U);
  EXPECT_EQ(status_->conflict->key, "databases/" + kClientId.value + "/0000/0000000000000002-0000000000000002.ltx");
  ASSERT_TRUE(status_->conflict->since);
  EXPECT_GE(*status_->conflict->since, stored_at_);
  EXPECT_LT(*status_->conflict->since, status_->conflict->noticed);
  EXPECT_NE(status_->detail.find("since"), std::string::npos) << status_->detail;
  EXPECT_NE(status_->detail.find("litestream-manager takeover " + kClientId.value), std::string::npos);
}

TEST_F(ClientTakeover, TurnsItRoundAndTheOtherOneFindsOut) {
  const auto earlier = bucket();
  client_->post(Command::take_over);
  ASSERT_TRUE(run_until([&] { return status_ && status_->state != ClientState::conflict; }));
  EXPECT_EQ(takeovers_answered_, 1);
  EXPECT_FALSE(status_->conflict);
  commit();
  ASSERT_TRUE(run_until_stored());
  EXPECT_EQ(status_->txid, 3U) << "on top of what the other one stored";
  turn_to(1);
  commit();
  ASSERT_TRUE(run_until([&] { return status_ && status_->state == ClientState::conflict; }));
  EXPECT_EQ(status_->conflict->lineage, ledgers_.at(0)->lineages().current());
  turn_to(0);
  EXPECT_TRUE(run_until_stored()) << "the one that took over goes on";
  expect_kept(earlier);
  EXPECT_EQ(probe_.takeovers, 1U);
}

TEST_F(ClientTakeover, WithoutAConflictChangesNothing) {
  turn_to(1);
  ASSERT_TRUE(run_until_stored());
  const auto earlier = bucket();
  client_->post(Command::take_over);
  ASSERT_TRUE(run_until([&] { return takeovers_answered_ == 1; }));
  EXPECT_EQ(status_->txid, 2U);
  EXPECT_TRUE(bucket() == earlier);
  EXPECT_EQ(probe_.takeovers, 0U);
}

TEST_F(ClientTakeover, TheConflictIsFoundAgainAfterARestart) {
  const auto earlier = bucket();
  kill_and_restart();
  ASSERT_TRUE(run_until([&] { return status_ && status_->state == ClientState::conflict; }));
  EXPECT_TRUE(bucket() == earlier);
}

// A state directory of yesterday, put back: its later runs are strangers whose family is known.
TEST_F(ClientFence, AnOlderStateDirectoryThatWasPutBackIsToldFromAStranger) {
  start_app();
  start_client();
  ASSERT_TRUE(run_until_stored());
  copy_state("yesterday.db");
  kill_and_restart();
  commit();
  ASSERT_TRUE(run_until_stored());
  ASSERT_EQ(status_->txid, 2U);
  const auto earlier = bucket();

  start_client("yesterday.db");
  commit();
  ASSERT_TRUE(run_until([&] { return status_ && status_->state == ClientState::conflict; }));
  EXPECT_EQ(status_->conflict->writer, ForeignWriter::same_state_directory);
  EXPECT_NE(status_->detail.find("put back to an older day"), std::string::npos) << status_->detail;
  client_->post(Command::take_over);
  ASSERT_TRUE(run_until([&] { return status_ && status_->txid == 3; }));
  EXPECT_TRUE(run_until_stored());
  expect_kept(earlier);
}

// A process that was cloned with its memory: two of one lineage.
TEST_F(ClientFence, AnObjectOfThisVeryRunThatItDidNotMakeIsAnotherOnes) {
  start_app();
  start_client();
  ASSERT_TRUE(run_until_stored());
  const std::string first = store_->keys().front();
  base::Bytes other = *store_->peek(first);
  const std::string second = "databases/" + kClientId.value + "/0000/0000000000000002-0000000000000002.ltx";
  ltx::Decoder decoder(ltx::memory_source(other));
  ltx::Header header = decoder.read_header().value();
  header.min_txid = header.max_txid = base::Txid{2};
  base::Bytes bytes;
  ltx::Encoder encoder(header, [&](base::ByteView part) -> base::Result<> {
    bytes.insert(bytes.end(), part.begin(), part.end());
    return {};
  });
  for (auto page = decoder.next_page().value(); page; page = decoder.next_page().value()) {
    ASSERT_TRUE(encoder.add_page(page->page_number, page->data));
  }
  ASSERT_TRUE(encoder.finish());
  ASSERT_EQ(ltx::provenance(header)->lineage, ledgers_.at(0)->lineages().current());
  const auto body = std::make_shared<storage::MemoryBody>(bytes);
  ASSERT_TRUE(storage::put_and_wait(*store_, {.key = base::ObjectKey{second}, .body = body}));
  commit();
  ASSERT_TRUE(run_until([&] { return status_->state == ClientState::conflict; }));
  EXPECT_EQ(status_->conflict->writer, ForeignWriter::same_state_directory);
  EXPECT_EQ(probe_.adopted, 0U);
}

}  // namespace
}  // namespace engine::testing
