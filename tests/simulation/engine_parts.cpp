// What of the engine runs on a thread of its own and waits for the network there is left out of the simulation, which
// has one real thread: the bucket is never read page by page, an image is stored instead.
#include "base/check.h"
#include "engine/remote_index.h"

namespace engine {

base::Result<RemoteIndex> read_remote_index(storage::ObjectStore&, const std::vector<history::BackupFile>&,
                                            const std::filesystem::path&, const storage::CallContext&) {
  CHECK(false);
  return base::fail(base::Category::io, "not in a simulation");
}

bool worth_reading(std::uint64_t, const std::vector<history::BackupFile>&) {
  return false;
}

}  // namespace engine
