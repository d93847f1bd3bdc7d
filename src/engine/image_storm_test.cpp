// Images that are read while a writer commits and checkpoints as fast as it can: each is one committed state.
#include <stop_token>
#include <thread>

#include <gtest/gtest.h>

#include "engine/base_job.h"
#include "engine/tracker_testing.h"

namespace engine {
namespace {

using engine::testing::Pages;
using namespace std::chrono_literals;

class ImageStormTest : public engine::testing::TrackerTest {
 protected:
  // Transaction v writes its number into each row of its class, v modulo 100, all over 5 MB. So the highest number
  // tells what every other row has to say.
  ImageStormTest() {
    app_->run(
        "CREATE TABLE wide(a INTEGER PRIMARY KEY, v INTEGER, b);"
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<1500) "
        "INSERT INTO wide SELECT i, 0, randomblob(3500) FROM n; PRAGMA wal_checkpoint(TRUNCATE);");
  }
  void storm_until(const std::stop_token& stop) const {
    for (int v = 1; !stop.stop_requested(); ++v) {
      const std::string number = std::to_string(v);
      app_->run("UPDATE wide SET v=" + number + ", b=randomblob(3500) WHERE a%100=" + number + "%100;");
      if (v % 5 == 0) app_->run("PRAGMA wal_checkpoint(PASSIVE);");
    }
  }
  // Pass after pass, as a client does: the log is kept for a while once the writer has overtaken some. Nullopt: the
  // writer was faster until the deadline.
  std::optional<Pages> image(BaseJob& job, std::chrono::steady_clock::time_point deadline) {
    for (int passes = 0;;) {
      if (std::chrono::steady_clock::now() > deadline) return std::nullopt;
      const auto slice = job.slice();
      CHECK(slice.has_value());
      clock_.advance(slice->retry_after + 1ms);
      CHECK(slice->progress != BaseProgress::refused);
      if (slice->progress == BaseProgress::done) break;
      if (slice->progress != BaseProgress::overtaken) continue;
      ++overtaken_;
      tracker_->allow_long_pin(true);
      if (++passes % 4 == 0) tracker_->keep_log(clock_.steady_now() + 2s, std::uint64_t{64} << 20U);
    }
    Pages pages;
    engine::testing::lay_over(pages, set_, job.page_size(), job.page_count());
    return pages;
  }
  int overtaken_ = 0;
  void expect_one_state(const Pages& pages) const {
    const os::testing::TempDir folder;
    std::string bytes;
    for (const auto& [number, page] : pages) bytes.append(base::as_text(page));
    os::testing::write_text(folder / "image.db", bytes);
    auto connection = sqlite::Connection::open(folder / "image.db", sqlite::OpenMode::read_write);
    ASSERT_TRUE(connection.has_value());
    EXPECT_EQ(connection->query_text("PRAGMA integrity_check").value(), "ok");
    const auto newest = connection->query_integer("SELECT max(v) FROM wide").value();
    const std::string v = std::to_string(newest);
    EXPECT_EQ(
        connection->query_integer("SELECT count(*) FROM wide WHERE v<>max(0, " + v + "-(" + v + "-a%100+100)%100)")
            .value(),
        0)
        << "at transaction " << v;
  }
};

TEST_F(ImageStormTest, EachImageIsOneCommittedState) {
  constexpr int kImages = 8;
  const std::jthread writer([this](const std::stop_token& stop) { storm_until(stop); });
  int made = 0;
  const auto deadline = std::chrono::steady_clock::now() + 30s;
  while (made < kImages && std::chrono::steady_clock::now() < deadline) {
    set_.clear();
    BaseJob job(database_, {}, 4096, *tracker_, set_, closer_, clock_, probe_);
    const auto pages = image(job, deadline);
    if (!pages) break;
    ++made;
    expect_one_state(*pages);
  }
  RecordProperty("overtaken", overtaken_);
  EXPECT_EQ(made, kImages) << overtaken_ << " passes were overtaken";
}

}  // namespace
}  // namespace engine
