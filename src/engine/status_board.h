// Where clients leave their status and the outside takes it. Thread safe; no call waits for the engine's work.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "engine/bill.h"
#include "engine/budget.h"
#include "engine/holdings.h"
#include "engine/probe.h"
#include "engine/status.h"
#include "storage/object_store.h"

namespace engine {

class StatusBoard final : public StatusSource {
 public:
  StatusBoard(std::string bucket, StoreAddress address, const Probe& probe, const MemoryBudget& memory,
              const storage::ObjectStore& store, base::UnixMillis started, const Bill& bill,
              const HoldingsBook& holdings)
      : bucket_(std::move(bucket)),
        address_(std::move(address)),
        probe_(probe),
        memory_(memory),
        store_(store),
        started_(started),
        bill_(bill),
        holdings_(holdings) {}

  void put(std::shared_ptr<const ClientStatus> status);
  // Becomes part of the client's status, also of what the client puts later.
  void set_verification(const std::string& client_id, VerificationStatus verification);
  void set_watch_dirs(std::vector<WatchDirStatus> dirs);
  // Replaces the notice that starts with the same `topic`; empty text takes it away.
  void set_notice(const std::string& topic, std::string text);

  void set_audit(AuditOverview audit);

  // What a client said last; null: nobody knows it. Cheap.
  [[nodiscard]] std::shared_ptr<const ClientStatus> find(const std::string& client_id) const;
  [[nodiscard]] std::vector<WatchDirStatus> watch_dirs() const;

  // What a client's account says has changed.
  void touch() { version_.fetch_add(1, std::memory_order_release); }

  [[nodiscard]] std::shared_ptr<const FleetStatus> fleet() const override;
  [[nodiscard]] ClientAccount account(std::string_view client_id) const override;
  [[nodiscard]] std::uint64_t version() const override { return version_.load(std::memory_order_acquire); }

 private:
  std::string bucket_;
  StoreAddress address_;
  const Probe& probe_;
  const MemoryBudget& memory_;
  const storage::ObjectStore& store_;
  base::UnixMillis started_;
  const Bill& bill_;
  const HoldingsBook& holdings_;
  std::atomic<std::uint64_t> version_{1};
  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<const ClientStatus>> clients_;
  std::map<std::string, VerificationStatus> verifications_;
  std::vector<WatchDirStatus> watch_dirs_;
  std::map<std::string, std::string> notices_;
  AuditOverview audit_;
};

}  // namespace engine
