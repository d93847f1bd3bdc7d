// Which pages a scan of a B-tree will want next, wherever they stand in the file: the leaves of an index lie scattered,
// but the interior page above them names them in order (SQLite's file format, section 1.6):
//
//   off size field of an interior page (page 1: everything 100 bytes on)
//     0   1  2 index, 5 table
//     3   2  cells
//     8   4  right-most child
//    12   2  for each cell: where it stands; its first 4 bytes are a child
//
// Pure. Where a page only looks like an interior one, pages are fetched that nobody wants, and that is all.
#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.h"

namespace engine {

class SiblingAhead {
 public:
  // At most `batch_max` pages at a time.
  SiblingAhead(std::uint32_t page_size, std::uint32_t pages, std::uint32_t batch_max);

  // SQLite reads this page. The last 16 interior ones are remembered.
  void saw(std::uint32_t page, base::ByteView data);
  // `page` is wanted and was not there. If the last one that was not there stood shortly before it under the same
  // interior page: those after it, in the direction of the scan, each time twice as many. Else nothing.
  std::vector<std::uint32_t> after(std::uint32_t page);

 private:
  struct Parent {
    std::uint32_t page = 0;
    std::vector<std::uint32_t> children;
    std::int64_t last = -1;  // index of the child that was not there last
  };
  std::vector<std::uint32_t> children_of(std::uint32_t page, base::ByteView data) const;

  std::uint32_t page_size_, pages_;
  std::int64_t batch_max_;
  std::int64_t batch_ = 1;       // how many came last
  std::vector<Parent> parents_;  // the newest last
};

}  // namespace engine
