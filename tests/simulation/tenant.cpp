#include "tenant.h"

#include <utility>

#include <fmt/format.h>

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
  operator_.pid = Machine::current().pids++;
  operator_.name = fmt::format("operator {}", number);
  visitor_ = plan_.application;
  visitor_.transactions = 2;
  visitor_.rollback = visitor_.change_mode = visitor_.vacuum = visitor_.reopen = 0;
}

void Tenant::start() {
  world().spawn(operator_, "main", [this] { operate(); });
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

void Tenant::run_phase(int processes) {
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
  while (running_ > 0 && !operator_.dead) world().let_pass(plan_.poll);
}

void Tenant::operate() {
  for (int phase = 0; phase < plan_.phases && !operator_.dead; ++phase) {
    run_phase(static_cast<int>(world().random().between(1, plan_.processes)));
    history.observe(disk());
    if (phase + 1 < plan_.phases) exchange();
    world().let_pass(world().random().between(0, 2 * kSecond));
  }
  done_ = true;
}

// Only while nobody is attached, as the manual of SQLite asks for.
void Tenant::exchange() {
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
    while (running_ > 0 && !operator_.dead) world().let_pass(plan_.poll);
  }
  if (operator_.dead) return;
  for (const char* suffix : {"-wal", "-shm", "-journal", ""}) {
    if (*suffix == '\0' && replace) continue;
    world().step(Op::name, database() + suffix);
    disk().unlink(database() + suffix);
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
  if (!operator_.dead) world().kill(operator_);
  for (auto& process : processes_) world().kill(*process);
}

}  // namespace simulation
