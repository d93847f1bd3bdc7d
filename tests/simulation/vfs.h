// SQLite's virtual file system over the simulated disk: what its unix VFS does, call by call, for the applications and
// for the daemon's own connections alike. Each of its calls is a step of the calling process, so that everything else
// can happen in the middle of a COMMIT.
//
// Left out of the unix VFS: several connections of one process to one file count as strangers to each other, which
// gives the same answers (unix VFS shares their descriptors and refuses in memory what the kernel would not).
#pragma once

#include <cstdint>
#include <string>

#include <sqlite3.h>

#include "machine.h"

namespace simulation {

// Makes it SQLite's default for this (real) process. Once.
void register_vfs();

// Called after each call that may have changed what is committed in the database at `path`.
using Observer = std::function<void(const std::string& database)>;
void observe_commits(Observer observer);

// One open file of SQLite. `base` first: SQLite sees only that.
struct VfsFile {
  sqlite3_file base;
  struct State* state;
};

struct State {
  Process* process = nullptr;
  std::string path;      // empty: a temporary file
  std::string database;  // whose file it is
  int descriptor = -1;
  std::uint64_t owner = 0;
  int level = SQLITE_LOCK_NONE;
  bool delete_on_close = false;
  bool is_main = false, is_journal = false;
  int shm = -1;  // descriptor of the wal-index
  std::uint64_t shm_owner = 0;
};

// Parts of the VFS, for its method tables.
namespace vfs {
State& state_of(sqlite3_file* file);
Description* description(const State& state);
// The step, for a call on this file. SQLITE_OK, or `failure`.
int step(const State& state, Op op, int failure, Nanos cost = 3 * kMicro);
void observed(const State& state);
// A lock was refused by `by`: was it only ours?
void note_refusal(Process& process, const std::vector<Lock>& by, std::string_view what);

int lock(sqlite3_file* file, int level);
int unlock(sqlite3_file* file, int level);
int check_reserved_lock(sqlite3_file* file, int* reserved);
int shm_map(sqlite3_file* file, int region, int bytes, int extend, void volatile** out);
int shm_lock(sqlite3_file* file, int offset, int count, int flags);
void shm_barrier(sqlite3_file* file);
int shm_unmap(sqlite3_file* file, int delete_it);
}  // namespace vfs

}  // namespace simulation
