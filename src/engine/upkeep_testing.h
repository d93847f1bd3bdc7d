// For tests only: a database that is a map of pages, whose every commit is stored at level 0 and recorded, and an
// upkeep that looks after it, in time that passes at once.
#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "engine/testing.h"
#include "engine/upkeep.h"
#include "history/restore_plan.h"
#include "ltx/encoder.h"
#include "ltx/merge.h"
#include "ltx/provenance.h"
#include "sqlite/connection.h"
#include "storage/keys.h"
#include "storage/memory_store.h"

namespace engine::testing {

inline constexpr std::uint32_t kUpkeepPageSize = 512;

class UpkeepTest : public ::testing::Test {
 protected:
  // A minute past midnight: where hours and days end matters to merges.
  UpkeepTest() {
    std::filesystem::create_directory(dir_ / "staging");
    const std::chrono::milliseconds day = std::chrono::days(1);
    clock_.advance(day - clock_.unix_now() % day + std::chrono::minutes(1));
  }
  // Its callbacks post to the upkeeps.
  ~UpkeepTest() override { store_.reset(); }

  void start(const std::string& state = "state.db") {
    start_without_policy(state);
    give(policy_);
  }
  void start_without_policy(const std::string& state = "state.db") {
    ledgers_.push_back(std::move(*Ledger::open(dir_ / state)));
    ledger_ = ledgers_.back().get();
    record_ = *ledger_->find_or_create(id_, "/clients/a.db", clock_.unix_now());
    UpkeepContext context;
    context.ledger = ledger_;
    context.store = &used_store();
    context.clock = &clock_;
    context.probe = &probe_;
    context.options = options_;
    context.state_directory = dir_.path();
    context.staging_directory = dir_ / "staging";
    context.wake = [this] { wake(); };
    context.holdings = book_.get();
    context.notice = [this](const std::string& topic, std::string text) { notices_[topic] = std::move(text); };
    upkeeps_.push_back(std::make_unique<Upkeep>(std::move(context)));
    upkeep_ = upkeeps_.back().get();
  }
  virtual storage::ObjectStore& used_store() { return *store_; }

  void give(const ClientPolicy& policy) {
    upkeep_->set_policy(record_.row, std::make_shared<const ClientPolicy>(policy));
  }

  // Changes `pages`; what the client does when its object is stored.
  void commit(const std::vector<std::uint32_t>& pages) {
    ++txid_;
    for (const std::uint32_t page : pages) {
      pages_[page] = base::Bytes(kUpkeepPageSize, static_cast<std::uint8_t>(txid_));
      base::store_be64(pages_[page].data(), txid_ * 1000 + page);
    }
    base::Bytes bytes = file_of(pages, ledger_->lineages().current());
    const history::Object object{base::Txid{txid_}, base::Txid{txid_}, bytes.size(),  clock_.unix_now(),
                                 clock_.unix_now(), page_count(),      base::Level{0}};
    const bool first = txid_ == 1;
    EXPECT_TRUE(!first || list_nothing());
    Acknowledgement ack;
    ack.txid = object.max;
    ack.database_checksum = checksum_of(pages_);
    ack.page_size = kUpkeepPageSize;
    ack.page_count = page_count();
    for (const auto& page : pages) ack.pages.push_back({page, ltx::page_checksum(page, pages_[page])});
    ack.at = object.created_at;
    ack.object = object;
    put(object, bytes);
    ASSERT_TRUE(ledger_->acknowledge(record_.row, ack).has_value());
    states_[txid_] = pages_;
    times_[txid_] = object.created_at;
    upkeep_->stored(record_.row, id_, object, std::make_shared<storage::MemoryBody>(std::move(bytes)));
  }
  void commit_image(std::uint32_t pages) {
    std::vector<std::uint32_t> all;
    for (std::uint32_t page = 1; page <= pages; ++page) all.push_back(page);
    commit(all);
  }
  // So many commits, one after the other, each with time to look after what is there.
  void commits(int times, std::chrono::milliseconds apart = std::chrono::minutes(1)) {
    for (int i = 0; i < times; ++i) {
      clock_.advance(apart);
      commit({1, 2 + static_cast<std::uint32_t>(i) % 7});
      run();
    }
  }
  base::Bytes file_of(const std::vector<std::uint32_t>& pages, std::uint64_t lineage) {
    ltx::Header header;
    header.page_size = kUpkeepPageSize;
    header.commit = page_count();
    header.min_txid = header.max_txid = base::Txid{txid_};
    header.timestamp = clock_.unix_now();
    ltx::set_provenance(header, {checksum_of(pages_), lineage});
    base::Bytes bytes;
    ltx::Encoder encoder(header, [&](base::ByteView part) -> base::Result<> {
      bytes.insert(bytes.end(), part.begin(), part.end());
      return {};
    });
    for (const std::uint32_t page : pages) EXPECT_TRUE(encoder.add_page(page, pages_[page]).has_value());
    EXPECT_TRUE(encoder.finish().has_value());
    return bytes;
  }
  bool list_nothing() {
    InventoryTable& table = ledger_->inventory();
    return table.record_listing(*table.begin_listing(record_.row), {}).has_value();
  }
  // Not yet written, or not yet gone.
  [[nodiscard]] std::size_t unsettled() const {
    return ledger_->inventory().unsettled(ObjectState::writing)->size() +
           ledger_->inventory().unsettled(ObjectState::deleting)->size();
  }
  [[nodiscard]] std::uint32_t page_count() const { return pages_.empty() ? 0 : pages_.rbegin()->first; }

  base::ObjectKey key(const storage::LtxName& name) const {
    return storage::ltx_key(store_->layout(), storage::replica_path(id_), name);
  }
  void put(const history::Object& object, const base::Bytes& bytes) {
    storage::PutRequest request;
    request.key = key(history::name_of(object));
    request.body = std::make_shared<storage::MemoryBody>(bytes);
    request.litestream_timestamp = object.created_at;
    ASSERT_TRUE(storage::put_and_wait(*store_, std::move(request)).has_value());
  }

  // What the bucket really holds; sizes and times are of no account here.
  [[nodiscard]] std::vector<history::Object> bucket(int level = -1) const {
    std::vector<history::Object> objects;
    for (const std::string& text : store_->keys()) {
      const auto name = storage::parse_ltx_key(store_->layout(), storage::replica_path(id_), text);
      if (!name || (level >= 0 && name->level.value != level)) continue;
      objects.push_back(history::from_listing(*name, store_->peek(text)->size(), times_.at(name->max.value)));
    }
    return objects;
  }
  // What a restore of this TXID gives; empty if there is none.
  [[nodiscard]] Pages restored(std::uint64_t txid) const {
    const auto plan = history::plan_restore(history::Inventory(bucket()), {base::Txid{txid}, std::nullopt});
    if (!plan) return {};
    std::vector<base::Bytes> files;
    for (const history::Object& object : *plan) files.push_back(*store_->peek(key(history::name_of(object)).value));
    std::vector<ltx::Source> sources;
    for (const base::Bytes& file : files) sources.push_back(ltx::memory_source(file));
    ltx::Merger merger(std::move(sources));
    Pages pages;
    if (!merger.read_header()) return {};
    for (auto page = merger.next_page().value(); page; page = merger.next_page().value()) {
      pages[page->page_number] = base::Bytes(page->data.begin(), page->data.end());
    }
    return merger.finish() ? pages : Pages{};
  }
  [[nodiscard]] bool restorable(std::uint64_t txid) const { return restored(txid) == states_.at(txid); }
  // The newest state and every one that is not older than `window`.
  void expect_window(std::chrono::milliseconds window) const {
    for (const auto& [txid, time] : times_) {
      if (txid == txid_ || time >= clock_.unix_now() - window) {
        EXPECT_TRUE(restorable(txid)) << "TXID " << txid << " of " << txid_;
      }
    }
  }

  void wake() {
    const std::scoped_lock lock(mutex_);
    ++wakes_;
    woken_.notify_all();
  }
  std::uint64_t wakes() {
    const std::scoped_lock lock(mutex_);
    return wakes_;
  }
  // Until nothing is under way; what is due later stays so. The last step's answer.
  std::optional<base::SteadyTime> run() {
    for (int i = 0; i < 100'000; ++i) {
      const std::uint64_t seen = wakes();
      const auto due = upkeep_->step();
      if (due && *due <= clock_.steady_now()) continue;
      if (upkeep_->at_rest() || gone()) return due;
      std::unique_lock lock(mutex_);
      woken_.wait_for(lock, std::chrono::seconds(10), [&] { return wakes_ != seen || gone(); });
    }
    ADD_FAILURE() << "upkeep does not come to rest";
    return std::nullopt;
  }
  // The process is dead: nothing comes any more.
  virtual bool gone() { return false; }
  // Lets time pass, with everything that is due meanwhile.
  void pass(std::chrono::milliseconds time) {
    const base::SteadyTime end = clock_.steady_now() + time;
    for (;;) {
      const auto due = run();
      if (!due || *due > end) break;
      clock_.advance(std::max<std::chrono::nanoseconds>(*due - clock_.steady_now(), std::chrono::milliseconds(1)));
    }
    if (clock_.steady_now() < end) clock_.advance(end - clock_.steady_now());
  }
  // Until no deletion waits for others to be sent with.
  void settle() {
    run();
    for (int i = 0; i < 60 && unsettled() > 0; ++i) pass(std::chrono::minutes(1));
    EXPECT_EQ(unsettled(), 0U);
  }
  [[nodiscard]] std::size_t operations(storage::OperationKind kind) const {
    return static_cast<std::size_t>(
        std::ranges::count(store_->operations(), kind, [](const storage::Operation& o) { return o.kind; }));
  }

  const base::DatabaseId id_{"11111111-2222-3333-4444-555555555555"};
  os::testing::TempDir dir_;
  ManualClock clock_;
  Probe probe_;
  UpkeepOptions options_;
  ClientPolicy policy_;
  std::map<std::string, std::string> notices_;
  std::unique_ptr<storage::MemoryStore> store_ = std::make_unique<storage::MemoryStore>(storage::KeyLayout::s3, clock_);
  Bill bill_{clock_};
  std::unique_ptr<HoldingsBook> book_;  // of those who ask for one
  std::vector<std::unique_ptr<Ledger>> ledgers_;
  std::vector<std::unique_ptr<Upkeep>> upkeeps_;
  Ledger* ledger_ = nullptr;
  Upkeep* upkeep_ = nullptr;
  ClientRecord record_;

  Pages pages_;
  std::uint64_t txid_ = 0;
  std::map<std::uint64_t, Pages> states_;
  std::map<std::uint64_t, base::UnixMillis> times_;

  std::mutex mutex_;
  std::condition_variable woken_;
  std::uint64_t wakes_ = 0;
};

}  // namespace engine::testing
