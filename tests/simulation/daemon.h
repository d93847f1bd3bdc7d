// The product on the simulated machine: engine, fleet, retrying store as the program wires them, from start to a clean
// stop or a kill, and again.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "fleet/fleet.h"
#include "plan.h"
#include "storage/retry.h"

namespace simulation {

class Daemon {
 public:
  Daemon(Bucket& bucket, const Plan& plan) : bucket_(bucket), plan_(plan) {}
  ~Daemon() { end(); }
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  void start();
  void kill();
  void end();  // at once, whatever it does
  // Asks for everything to be stored. Then the stop: its main thread takes it apart and ends.
  void begin_flush() { engine()->begin_flush(); }
  [[nodiscard]] std::vector<std::string> unflushed() const { return engine()->unflushed(); }
  void begin_stop();
  // Outside of fibers: takes away what a dead run left.
  void clear_away();

  [[nodiscard]] bool running() const { return run_ != nullptr && !run_->process.dead; }
  [[nodiscard]] bool exists() const { return run_ != nullptr; }
  // nullptr until its start is through.
  [[nodiscard]] engine::Engine* engine() const { return running() && run_->ready ? run_->engine.get() : nullptr; }
  [[nodiscard]] Process* process() const { return run_ == nullptr ? nullptr : &run_->process; }
  [[nodiscard]] const std::string& trouble() const { return trouble_; }
  [[nodiscard]] std::uint64_t overflows() const { return overflows_; }

 private:
  struct Run {
    Process process;
    std::unique_ptr<os::FileCloser> closer;
    std::unique_ptr<Watcher> watcher;
    std::unique_ptr<fleet::WatcherStream> stream;
    Store* store_end = nullptr;
    std::unique_ptr<storage::RetryingStore> store;
    std::unique_ptr<engine::Engine> engine;
    std::unique_ptr<fleet::Fleet> fleet;
    bool ready = false, stopping = false;
  };
  void run(Run& r);
  bool begin(Run& r);
  void take_apart(Run& r);
  void stop(Run& r);

  Bucket& bucket_;
  const Plan& plan_;
  std::unique_ptr<Run> run_;
  std::vector<std::unique_ptr<Run>> dead_runs_;  // actions that were set for them still ask whether they are dead
  std::int32_t runs_ = 0;
  std::uint64_t overflows_ = 0;
  std::string trouble_;
};

}  // namespace simulation
