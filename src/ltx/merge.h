// K-way merge of LTX files (docs/formats/ltx.md, "Merge"): the newest copy of each page wins, pages above the last
// file's commit are dropped. Used by restore (plan to database) and compaction. Streaming: one page per input in
// memory.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <queue>
#include <vector>

#include "base/error.h"
#include "ltx/decoder.h"
#include "ltx/header.h"

namespace ltx {

// Pulls merged pages in ascending order. Inputs in TXID order, contiguous (next.min <= prev.max + 1 and
// next.max > prev.max), equal page size; anything else is Category::corrupt. Every input is read to its end and
// checked.
class Merger {
 public:
  explicit Merger(std::vector<Source> inputs);

  // The header of the merged file: first's min, last's max, commit and timestamp; NoChecksum; WAL fields 0. Provenance
  // is that of the last input.
  base::Result<Header> read_header();
  base::Result<std::optional<PageView>> next_page();
  // After the last page: checks all inputs' trailers.
  base::Result<> finish();

  // After an error: which input broke its rules or could not be read. nullopt: none in particular.
  [[nodiscard]] std::optional<std::size_t> failed_input() const { return failed_input_; }

 private:
  struct Input {
    Decoder decoder;
    std::optional<PageView> page;  // nullopt after its last one
  };
  // Heap order: smallest page number first; among equals the newest input.
  struct Next {
    std::uint32_t page_number;
    std::size_t input;
    friend bool operator<(const Next& a, const Next& b) {
      return a.page_number != b.page_number ? a.page_number > b.page_number : a.input < b.input;
    }
  };
  base::Result<> read_headers(Header& first, Header& last);
  base::Result<> advance(std::size_t input);
  base::Result<std::optional<PageView>> take_newest();

  std::vector<Input> inputs_;
  std::priority_queue<Next> queue_;
  std::optional<std::size_t> given_out_;  // the input whose page the caller holds
  std::optional<std::size_t> failed_input_;
  std::uint32_t commit_ = 0;
};

}  // namespace ltx
