// The process is killed at every request that upkeep sends, before and after the store has done it. Whatever happened,
// every state of the window can be restored at that moment, and the next run goes on as if nothing had been.
#include <atomic>
#include <future>

#include <gtest/gtest.h>

#include "engine/upkeep_testing.h"
#include "os/testing.h"

namespace engine {
namespace {

using namespace std::chrono_literals;

enum class Death : std::uint8_t { before_the_store_acts, before_the_answer };

// Passes on to a store in memory until the fatal request; from then on nothing is sent and nothing answered.
class FatalStore final : public storage::ObjectStore {
 public:
  explicit FatalStore(storage::ObjectStore& inner) : inner_(inner) {}

  void put(storage::PutRequest r, storage::CallContext c, storage::Callback<storage::PutResult> done) override {
    pass<storage::PutResult>(std::move(done), [&](auto d) { inner_.put(std::move(r), std::move(c), std::move(d)); });
  }
  void get(storage::GetRequest r, storage::CallContext c, storage::Callback<base::Bytes> done) override {
    pass<base::Bytes>(std::move(done), [&](auto d) { inner_.get(std::move(r), std::move(c), std::move(d)); });
  }
  void head(base::ObjectKey key, storage::CallContext c, storage::Callback<storage::ObjectHead> done) override {
    pass<storage::ObjectHead>(std::move(done),
                              [&](auto d) { inner_.head(std::move(key), std::move(c), std::move(d)); });
  }
  void list(storage::ListRequest r, storage::CallContext c, storage::Callback<storage::ListPage> done) override {
    pass<storage::ListPage>(std::move(done), [&](auto d) { inner_.list(std::move(r), std::move(c), std::move(d)); });
  }
  void remove(std::vector<base::ObjectKey> keys, storage::CallContext c,
              storage::Callback<std::vector<storage::RemoveFailure>> done) override {
    pass<std::vector<storage::RemoveFailure>>(
        std::move(done), [&](auto d) { inner_.remove(std::move(keys), std::move(c), std::move(d)); });
  }
  [[nodiscard]] storage::KeyLayout layout() const override { return inner_.layout(); }
  [[nodiscard]] std::string display_url() const override { return inner_.display_url(); }
  [[nodiscard]] storage::RequestCounts counts() const override { return inner_.counts(); }

  // The `request`-th from now on kills.
  void die_at(unsigned request, Death how) {
    left_ = request;
    how_ = how;
    dead_ = false;
  }
  [[nodiscard]] bool dead() const { return dead_; }
  std::function<void()> on_death;  // on the thread that sends

 private:
  template <typename T, typename Send>
  void pass(storage::Callback<T> done, const Send& send) {
    if (dead_) return;
    if (left_ == 0 || --left_ > 0) return send(std::move(done));
    dead_ = true;
    if (how_ == Death::before_the_answer) {
      std::promise<void> acted;
      send(storage::Callback<T>([&](base::Result<T>) { acted.set_value(); }));
      acted.get_future().wait();
    }
    on_death();
  }

  storage::ObjectStore& inner_;
  unsigned left_ = 0;
  Death how_ = Death::before_the_answer;
  std::atomic<bool> dead_ = false;
};

class UpkeepCrash : public engine::testing::UpkeepTest,
                    public ::testing::WithParamInterface<std::tuple<Death, unsigned>> {
 protected:
  UpkeepCrash() {
    policy_.retention = {false, 2h, 0h, 0h, 0h, 0h};
    options_.compaction.plan_bytes_floor = 1024;
    options_.cache_bytes_max = 0;  // more requests to die at
    fatal_.on_death = [this] { copy_state(); };
  }
  storage::ObjectStore& used_store() override { return fatal_; }
  bool gone() override { return fatal_.dead(); }

  void copy_state() {
    ++deaths_;
    for (const char* part : {"", "-wal"}) {
      os::testing::write_text(state(deaths_).string() + part,
                              os::testing::read_text(state(deaths_ - 1).string() + part));
    }
  }
  [[nodiscard]] std::filesystem::path state(int number) const {
    return dir_ / ("state" + std::to_string(number) + ".db");
  }
  void start_again() {
    fatal_.die_at(0, Death::before_the_answer);
    start("state" + std::to_string(deaths_) + ".db");
  }

  FatalStore fatal_{*store_};
  int deaths_ = 0;
};

TEST_P(UpkeepCrash, AtAnyRequest) {
  const auto [how, request] = GetParam();
  start("state0.db");
  commit_image(20);
  commits(170, 2min);
  // From here on merges, snapshots and deletions come at every turn.
  fatal_.die_at(request, how);
  for (int i = 0; i < 60 && !fatal_.dead(); ++i) {
    commits(1, 2min);
    if (!fatal_.dead()) pass(6min);
    expect_window(2h);
  }
  ASSERT_TRUE(fatal_.dead()) << "fewer requests than that";
  expect_window(2h);
  start_again();
  commits(40, 2min);
  expect_window(2h);
  pass(8h);
  expect_window(2h);
  EXPECT_EQ(probe_.conflicts, 0U);
  settle();
  EXPECT_EQ(ledger_->inventory().present(record_.row)->size(), bucket().size());
}

// A sanitizer takes ten times as long and sees the same code at every fourth.
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
constexpr unsigned kEachNth = 4;
#else
constexpr unsigned kEachNth = 1;
#endif

INSTANTIATE_TEST_SUITE_P(EachRequest, UpkeepCrash,
                         ::testing::Combine(::testing::Values(Death::before_the_store_acts, Death::before_the_answer),
                                            ::testing::Range(1U, 41U, kEachNth)));

}  // namespace
}  // namespace engine
