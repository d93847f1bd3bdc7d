// What was committed in one database, state after state, as its files tell it at the moment of each commit; and what
// its backup restores to, object after object. The check that everything else is for: each object that lands makes the
// backup one of the committed states, never an earlier one than before.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "machine.h"

namespace simulation {

struct CommittedState {
  std::uint32_t page_size = 0, page_count = 0;
  std::uint64_t checksum = 0;  // of all pages, as LTX has it
  friend bool operator==(const CommittedState&, const CommittedState&) = default;
};

// The state that whoever opens the database now would see; nullopt: there is none, or it cannot be told at this moment.
struct Reading {
  // Does an application hold the dead-man switch of this index?
  static bool vouched(const Inode& shm);
  // From the index that somebody vouches for.
  static std::optional<CommittedState> published(const Disk& disk, const std::string& database);
  // From the file, if no transaction is being written into it.
  static std::optional<CommittedState> in_file(const Disk& disk, const std::string& database);
  // What a recovery would make of what is left, if nobody is attached.
  static std::optional<CommittedState> recovered(const Disk& disk, const std::string& database);
};

class History {
 public:
  explicit History(std::string database) : database_(std::move(database)) {}

  // Something happened to its files. Cheap if nothing was committed.
  void observe(Disk& disk);
  // Whatever state there is now is committed, even one of long ago (another file has the name; a power cut).
  void restart(Disk& disk);

  // An object of its backup landed. Says what is wrong; empty: nothing.
  std::string on_object(std::uint64_t min, std::uint64_t max, const base::Bytes& bytes);

  [[nodiscard]] const std::string& database() const { return database_; }
  [[nodiscard]] const std::vector<CommittedState>& states() const { return states_; }
  [[nodiscard]] std::uint64_t newest_txid() const { return txid_; }
  // Number of the state that the backup restores to; nullopt: no backup.
  [[nodiscard]] std::optional<std::size_t> stored() const { return stored_; }
  [[nodiscard]] std::optional<CommittedState> backup() const;
  [[nodiscard]] base::Bytes restored_file() const;
  // As restored() is `stored() == states().size() - 1` but by what it is, not when it was.
  [[nodiscard]] bool is_stored_as(const CommittedState& state) const { return backup() == state; }

 private:
  void append(const CommittedState& state);

  std::string database_;
  std::vector<CommittedState> states_;
  bool fresh_ = false;  // the next state counts whatever it is
  base::Bytes seen_header_;

  std::uint64_t txid_ = 0;
  std::uint32_t page_size_ = 0, page_count_ = 0;
  std::map<std::uint32_t, base::Bytes> pages_;
  std::optional<std::size_t> stored_;
};

}  // namespace simulation
