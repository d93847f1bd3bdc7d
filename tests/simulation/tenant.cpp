#include "tenant.h"

#include <utility>

#include <fmt/format.h>

#include "base/check.h"

namespace simulation {

namespace {

World& world() {
  return World::current();
}
Disk& disk() {
  return Machine::current().disk;
}

std::string id_of(std::size_t number) {
  return fmt::format("{:08x}-1111-2222-3333-444444444444", number);
}

}  // namespace

Tenant::Tenant(std::size_t number, TenantPlan plan, FaultRates faults)
    : id_(id_of(number)), history(std::string(kTenants) + "/" + id_ + ".db"), plan_(std::move(plan)), faults_(faults) {
  visitor_ = plan_.application;
  visitor_.transactions = 2;
  visitor_.rollback = visitor_.change_mode = visitor_.vacuum = visitor_.reopen = 0;
}

void Tenant::start() {
  operators_.push_back(std::make_unique<Process>());
  operator_ = operators_.back().get();
  operator_->pid = Machine::current().pids++;
  operator_->name = "operator of " + id_;
  world().spawn(*operator_, "main", [this, self = operator_] { operate(*self); });
}

void Tenant::begin_again() {
  CHECK(running_ == 0);
  history.restart(disk());
  done_ = false;
  start();
}

Process& Tenant::new_process(bool with_faults) {
  auto process = std::make_unique<Process>();
  process->pid = Machine::current().pids++;
  process->name = fmt::format("app {}", process->pid);
  if (with_faults) {
    process->rates = faults_;
    process->kill_at_step = plan_.kill_at_step;
  }
  processes_.push_back(std::move(process));
  return *processes_.back();
}

void Tenant::run_phase(const Process& self, int processes) {
  for (int i = 0; i < processes; ++i) {
    Process& process = new_process(true);
    ++running_;
    world().spawn(process, "main", [this, &process] {
      run_application(process, database(), plan_.application, counts);
      // Its death frees what it had; what it left behind is as committed as a recovery says.
      history.observe(disk());
      --running_;
    });
    if (world().random().chance(plan_.kill)) {
      world().at(world().now() + world().random().between(0, 300 * kMilli), [this, &process] {
        if (!world().faults_over && running_ > 0) world().kill(process);
      });
    }
  }
  while (running_ > 0 && !self.dead) world().let_pass(plan_.poll);
}

void Tenant::operate(const Process& self) {
  for (int phase = 0; phase < plan_.phases && !self.dead; ++phase) {
    run_phase(self, static_cast<int>(world().random().between(1, plan_.processes)));
    if (self.dead) return;
    history.observe(disk());
    if (phase + 1 < plan_.phases) exchange(self);
    world().let_pass(world().random().between(0, 2 * kSecond));
  }
  done_ = true;
}

// Only while nobody is attached, as the manual of SQLite asks for.
void Tenant::exchange(const Process& self) {
  Random& random = world().random();
  const bool replace = random.chance(plan_.replace);
  if (!replace && !random.chance(plan_.recreate)) return;
  const std::string made = std::string(kTenants) + "/new-" + id_;
  if (replace) {  // the new one is made beside it and takes its name
    ApplicationPlan plan = visitor_;
    plan.wal = false;
    plan.journal = "DELETE";
    Process& process = new_process(false);
    ++running_;
    world().spawn(process, "copy", [this, &process, plan, made] {
      run_application(process, made, plan, counts);
      --running_;
    });
    while (running_ > 0 && !self.dead) world().let_pass(plan_.poll);
  }
  if (self.dead) return;
  for (const char* suffix : {"-wal", "-shm", "-journal", ""}) {
    if (*suffix == '\0' && replace) continue;
    world().step(Op::name, database() + suffix);
    disk().unlink(database() + suffix);
    history.restart(disk());  // without its log the file is what it was at the last checkpoint, and may be read so
  }
  if (replace) {
    world().step(Op::name, database());
    disk().rename(made, database());
  }
  history.restart(disk());
}

void Tenant::last_visit() {
  Process& process = new_process(false);
  ++running_;
  world().spawn(process, "last", [this, &process] {
    run_application(process, database(), visitor_, counts);
    history.observe(disk());
    --running_;
  });
}

void Tenant::kill_all() {
  const auto kill = [](Process& process) {
    world().kill(process);
    world().reap(process);  // it may have been killed this very moment
  };
  if (operator_ != nullptr) kill(*operator_);
  for (auto& process : processes_) kill(*process);
}

}  // namespace simulation
