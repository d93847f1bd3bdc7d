// SQLite's file layer over a RemoteFile. Only for the .cpp files of this module.
//
// One main database can be opened, for reading, and nothing else of this layer's own: no journal, no log, no second
// database. Temporary files (large sorts) are the default layer's, which unlinks them as soon as they are made.
#pragma once

#include <optional>
#include <string>

#include <sqlite3.h>

#include "base/error.h"
#include "sqlite/remote_file.h"

namespace sqlite {

class RemoteVfs {
 public:
  // Registers a layer of its own under a name of its own. `file` must outlive it, and it every connection that uses it.
  explicit RemoteVfs(RemoteFile& file);
  ~RemoteVfs();
  RemoteVfs(const RemoteVfs&) = delete;
  RemoteVfs& operator=(const RemoteVfs&) = delete;

  [[nodiscard]] const std::string& name() const { return name_; }
  // Why a read failed, which SQLite knows as "disk I/O error" only; nullopt: none did since the last call.
  std::optional<base::Error> take_error();

 private:
  struct File;
  struct Calls;

  RemoteFile& file_;
  sqlite3_vfs* local_;  // the default layer
  std::string name_;
  sqlite3_vfs vfs_{};
  bool opened_ = false;
  std::optional<base::Error> error_;
};

}  // namespace sqlite
