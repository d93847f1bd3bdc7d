// What a writer says of its own doings, in a file outside of the database. One write per line, so that a line is there
// whole or not at all, and what was written survives the writer's death. Several writers share one file.
//
//   I number previous hash time   COMMIT of this state is about to begin
//   C number hash time            that COMMIT has returned
//   R number previous hash time   this state was written, perhaps into the log, and rolled back: it must never be seen
//   P number hash time            pages change now without a new state (VACUUM, change of journal mode)
//   S number hash digest file     a reader's snapshot of this state: SHA-256 of all pages, and where they are
//
// Times are milliseconds since 1970.
#pragma once

#include <string>

#include "oracle/worker/content.h"

namespace oracle {

class Journal {
 public:
  explicit Journal(const std::string& path);
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  void intends(const Head& head) const;
  void committed(const Head& head) const;
  void rolled_back(const Head& head) const;
  void rewrites_pages(const Head& head) const;
  void snapshot(const Head& head, const std::string& digest, const std::string& file) const;

 private:
  void append(std::string line) const;
  int descriptor_ = -1;
};

}  // namespace oracle
