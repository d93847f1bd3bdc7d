// Which files make a restore, from any listing at all: what is planned is an unbroken chain from a snapshot on.
#include "history/restore_plan.h"

#include <vector>

#include "fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input(data, size);
  const std::uint8_t kind = input.byte() % 3;
  const std::uint64_t wanted = input.number(1);
  std::vector<history::BackupFile> files;
  while (!input.rest().empty() && files.size() < 64) {
    history::BackupFile file;
    file.name.level = base::Level(static_cast<std::uint8_t>(input.byte() % 12));
    const std::uint64_t min = input.number(1);
    file.name.min = base::Txid(min);
    file.name.max = base::Txid(min + input.byte() % 8);
    file.size_bytes = 200;
    file.created_at = base::UnixMillis(static_cast<std::int64_t>(input.number(1)));
    files.push_back(file);
  }
  history::RestoreTarget target;
  if (kind == 1) target.txid = base::Txid(wanted);
  if (kind == 2) target.before = base::UnixMillis(static_cast<std::int64_t>(wanted));
  auto plan = history::plan_restore(files, target);
  if (!plan) return 0;
  MUST(!plan->empty());
  // Level 9 is taken for whole by its name, as Litestream does; the restore itself looks into it.
  MUST(plan->front().name.min.value <= 1 || plan->front().name.level == base::kSnapshotLevel);
  std::uint64_t reached = 0;
  for (const history::BackupFile& file : *plan) {
    MUST(file.name.min.value <= reached + 1 || reached == 0);
    MUST(file.name.max.value > reached || reached == 0);
    reached = file.name.max.value;
    if (target.before) MUST(file.created_at < *target.before);
  }
  if (target.txid) MUST(reached == target.txid->value);
  return 0;
}
