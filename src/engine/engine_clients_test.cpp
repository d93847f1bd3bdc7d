// The set of clients, which one thread adds to while another asks for the flush.
#include <algorithm>
#include <atomic>
#include <string>
#include <thread>
#include <utility>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "engine/engine.h"
#include "os/closer.h"
#include "os/testing.h"
#include "storage/memory_store.h"

namespace engine {
namespace {

class QuietStream final : public EventStream {
 public:
  [[nodiscard]] std::uint64_t delivered() const override { return 0; }
  std::uint64_t mark() override { return 0; }
  bool wait_delivered(std::uint64_t /*mark*/) override { return true; }
};

base::DatabaseId id_of(int number) {
  return base::DatabaseId{fmt::format("00000000-0000-4000-8000-{:012}", number)};
}

// A watched directory that is mounted while the daemon is asked to end. Without a lock the table that grows is read
// while it moves: the sanitizers tell, and now and then the run ends here.
TEST(EngineClients, ArriveWhileTheFlushIsAskedFor) {
  constexpr int kClients = 300;
  const os::testing::TempDir dir;
  os::FileCloser closer;
  QuietStream stream;
  storage::MemoryStore store;
  EngineConfig config;
  config.state_directory = dir / "state";
  config.bucket_text = "memory";
  config.workers = 2;
  const auto engine = std::move(*Engine::start(std::move(config), store, stream, closer, base::system_clock()));
  std::atomic<bool> all_there = false;
  std::jthread fleet([&] {
    for (int i = 0; i < kClients; ++i) {
      EXPECT_TRUE(engine->add(id_of(i), dir / (id_of(i).value + ".db")).has_value());
    }
    all_there = true;
  });
  std::size_t seen = 0;
  while (!all_there) {
    engine->begin_flush();
    seen = std::max(seen, engine->unflushed().size());
    static_cast<void>(engine->may_yet_flush());
    engine->accept_takeovers();
  }
  fleet.join();
  EXPECT_LE(seen, static_cast<std::size_t>(kClients));
  EXPECT_TRUE(engine->set_absent_policies({}).has_value());
  engine->stop();
}

}  // namespace
}  // namespace engine
