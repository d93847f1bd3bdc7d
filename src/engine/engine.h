// The engine: all clients, their workers and what they share. The fleet module tells it which databases there are and
// what happens to their files; it brings what they commit to the store and reports.
//
// Calls are for one thread (the fleet's router) unless noted; flush(), its halves and may_yet_flush() are for any.
// Nothing here blocks on the network.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "engine/bill.h"
#include "engine/budget.h"
#include "engine/client.h"
#include "engine/holdings.h"
#include "engine/ledger.h"
#include "engine/metered_store.h"
#include "engine/scheduler.h"
#include "engine/status_board.h"
#include "engine/takeover.h"
#include "engine/upkeep.h"
#include "os/closer.h"
#include "os/file_lock.h"
#include "storage/worker_pool.h"

namespace engine {

struct EngineConfig {
  std::filesystem::path state_directory;  // made if it does not exist; one daemon at a time
  std::string bucket_text;                // as the operator wrote it, for status
  StoreAddress store_address;             // likewise
  ClientOptions client;                   // staging_directory is set here
  UpkeepOptions upkeep;
  std::optional<history::PriceTable> prices;  // none: nothing has a price
  std::int64_t memory_limit_bytes = 256LL << 20;
  unsigned workers = 0;  // 0: as many as cores, at least 2
};

// Under this name the state database remembers (Ledger::remember) what probe_conditional_put() found, as to_string()
// has it. From the next start on the engine goes by it.
std::string conditions_record(const storage::ObjectStore& store);

class Engine {
 public:
  // conflict: another daemon uses the state directory. denied, io: it cannot be written; the message names -state-dir.
  // Everything referred to outlives the engine.
  static base::Result<std::unique_ptr<Engine>> start(EngineConfig config, storage::ObjectStore& store,
                                                     EventStream& stream, os::FileCloser& closer,
                                                     const base::Clock& clock);
  ~Engine();

  // A database appeared at `path` (again). The client lives until the engine ends. Without a policy it has the one that
  // the engine was given. io: the state database failed.
  base::Result<Client*> add(const base::DatabaseId& id, const std::filesystem::path& path, NewPolicy policy = {});

  // What holds for databases that are not there, but have a backup: retention goes on for them. Those that the function
  // has no policy for are left alone. Milliseconds for each thousand.
  using PolicyOfAbsent = std::function<NewPolicy(const base::DatabaseId& id, const std::string& path)>;
  base::Result<> set_absent_policies(const PolicyOfAbsent& policy_of);

  // Where the operator's word to take over another writer's prefix arrives (takeover.h); call the second when it does,
  // and now and then.
  [[nodiscard]] std::filesystem::path takeover_inbox() const { return takeover_directory(config_.state_directory); }
  void accept_takeovers();

  // Any thread. What an audit found to be wrong: the inventory of a client, and what a restore of it needs. The second
  // is false where no database is here that it could be made good from.
  void list_anew(std::int64_t row);
  bool mend(const base::DatabaseId& id, Mend mend);

  [[nodiscard]] StatusBoard& board() { return *board_; }
  [[nodiscard]] Probe& probe() { return probe_; }
  [[nodiscard]] Ledger& ledger() { return *ledger_; }
  [[nodiscard]] Bill& bill() { return *bill_; }

  // For the moments after a burst of work: caches and free memory go back to the system. Some milliseconds.
  void give_back_memory();

  // Stores everything that is committed by now; what is committed later is left to the next start. Returns the ids of
  // clients that could not be brought to the store in time. Call once, while events still arrive.
  std::vector<std::string> flush(std::chrono::milliseconds timeout);
  // The two halves of flush(), for whoever does the waiting: asks all clients, and says who is not done yet.
  void begin_flush();
  [[nodiscard]] std::vector<std::string> unflushed() const;
  // False: all are done, or those that are not are shut out of the bucket.
  [[nodiscard]] bool may_yet_flush() const;
  // No task runs after this; positions of quiet clients are on disk.
  void stop();

 private:
  struct Slot {
    std::unique_ptr<Client> client;
    Scheduler::Task* task = nullptr;
  };
  Engine(EngineConfig config, storage::ObjectStore& store, EventStream& stream, os::FileCloser& closer,
         const base::Clock& clock);
  base::Result<> grant_before_start(ClientRecord& record);
  void start_upkeep();
  std::optional<base::SteadyTime> step_upkeep();
  void save_bill();
  [[nodiscard]] NewPolicy default_policy() const;
  base::Result<std::unique_ptr<Ledger>> open_ledger(const std::filesystem::path& file);

  EngineConfig config_;
  const base::Clock& clock_;
  std::optional<os::ExclusiveFileLock> lock_;
  std::unique_ptr<Ledger> ledger_;
  Probe probe_;
  MemoryBudget memory_;
  Places base_jobs_;
  std::shared_ptr<Bill> bill_;
  std::unique_ptr<HoldingsBook> holdings_;
  std::unique_ptr<MeteredStore> client_store_, upkeep_store_;
  base::SteadyTime bill_saved_{};
  std::unique_ptr<StatusBoard> board_;
  ClientContext context_;
  std::unique_ptr<Upkeep> upkeep_;
  mutable std::mutex clients_mutex_;  // of the two below; clients themselves live until the engine ends
  std::unordered_map<std::string, std::unique_ptr<Slot>> clients_;
  std::unordered_set<std::string> takeovers_wanted_;  // of clients that are not here yet
  std::unique_ptr<Scheduler> scheduler_;              // ends before the clients do
  // With one worker: captures never stand in line behind a merge.
  std::unique_ptr<Scheduler> upkeep_scheduler_;
  Scheduler::Task* upkeep_task_ = nullptr;
  std::stop_source background_stop_;
  std::unique_ptr<storage::WorkerPool>
      background_;  // blocks on the network, for what is rare; ends before the clients do
};

}  // namespace engine
