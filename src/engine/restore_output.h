// The place where a restored database is to stand: a temporary file beside it while it is made, and one atomic step at
// the end. Whatever happens before that step, the destructor leaves the directory as it was.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "os/file.h"

namespace engine {

enum class OnExistingOutput : std::uint8_t {
  refuse,
  // Swap it for the restored database, together with its -wal, -shm and -journal. Never while another process has it
  // open, as far as locks tell: a connection in rollback mode between two transactions holds none.
  replace,
};

class RestoreOutput {
 public:
  // Checks `output`; creates nothing. Opens and closes an existing output, so the process must have no SQLite
  // connection of its own on it.
  //   conflict   output or one of its companions exists and `on_existing` is refuse, or another process has it open
  //   invalid    output is a directory or another special file, or its directory does not exist
  static base::Result<RestoreOutput> prepare(std::filesystem::path output, OnExistingOutput on_existing);
  ~RestoreOutput();
  RestoreOutput(RestoreOutput&& other) noexcept;
  RestoreOutput& operator=(RestoreOutput&&) = delete;

  // Makes temporary_path() and locks it (flock) as long as it is open: readable by its maker alone while it is to
  // replace another file or if that is asked for, else as any new file.
  [[nodiscard]] base::Result<os::File> create(bool for_its_maker_alone) const;
  // Takes over the temporary file of an interrupted restore to this output, by its name; nullopt if it is not there,
  // the name is not one of ours, or the file another user's. conflict: the restore that made it is still under way.
  base::Result<std::optional<os::File>> adopt(const std::string& name);
  // Removes what was taken over: temporary_path() is a new name again.
  base::Result<> discard_adopted();
  // For another restore to adopt(): the destructor leaves it.
  void keep_temporary() { keep_ = true; }
  // Where a record for adopting stands: "<output>.restoring".
  [[nodiscard]] std::filesystem::path record_path() const;
  // Before publish(): a file that replaces another takes over its mode, owner and group. A note where the owner cannot
  // be taken over (only root may give files away).
  [[nodiscard]] base::Result<std::optional<std::string>> take_permissions(const os::File& file) const;

  // Beside the output, named "<output>.tmp-<random>"; removed unless published, with a log or journal of its own.
  [[nodiscard]] const std::filesystem::path& temporary_path() const { return temporary_; }

  // Call when temporary_path() is complete and synced. Checks again what prepare() checked, renames, syncs the
  // directory. Old companions are set aside before the rename and deleted after it, so that a crash never leaves the
  // new database beside an old log.
  base::Result<> publish();

 private:
  RestoreOutput(std::filesystem::path output, OnExistingOutput on_existing);
  [[nodiscard]] base::Result<> check() const;
  base::Result<> set_companions_aside();
  void put_companions_back();

  std::filesystem::path output_;
  OnExistingOutput on_existing_;
  std::filesystem::path temporary_;  // empty after a move
  std::vector<std::filesystem::path> set_aside_;
  bool adopted_ = false;
  bool keep_ = false;
};

}  // namespace engine
