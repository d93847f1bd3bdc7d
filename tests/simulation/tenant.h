// One tenant: a database, the applications that come and go, and an operator who now and then exchanges its files while
// no application runs.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "backup.h"
#include "history.h"
#include "plan.h"

namespace simulation {

class Tenant {
 public:
  Tenant(std::size_t number, TenantPlan plan, FaultRates faults);
  Tenant(const Tenant&) = delete;
  Tenant& operator=(const Tenant&) = delete;

  void start();
  // Faults are over: somebody opens it once more, so that nothing is left half done by whoever was killed.
  void last_visit();
  [[nodiscard]] bool done() const { return done_ && running_ == 0; }
  // Every process of it is killed.
  void kill_all();
  // The machine is on again: what the disk has now is what there is, and applications come again.
  void begin_again();

  [[nodiscard]] const std::string& id() const { return id_; }
  [[nodiscard]] const std::string& database() const { return history.database(); }

 private:
  std::string make_id(std::size_t number);
  void operate(const Process& self);
  void run_phase(const Process& self, int processes);
  void exchange(const Process& self);
  Process& new_process(bool faultless_end);

 public:
  const std::string id_;
  History history;
  Backup backup;
  ApplicationCounts counts;

 private:
  TenantPlan plan_;
  ApplicationPlan visitor_;
  FaultRates faults_;
  Process* operator_ = nullptr;
  std::vector<std::unique_ptr<Process>> operators_, processes_;  // the dead ones, too
  int running_ = 0;
  bool done_ = false;
};

}  // namespace simulation
