// Reads one LTX file to its end, in slices: is it whole, is it what its name says, and what is in it?
#pragma once

#include <cstdint>
#include <optional>

#include "base/clock.h"
#include "base/error.h"
#include "history/object.h"
#include "ltx/decoder.h"
#include "ltx/header.h"
#include "storage/keys.h"

namespace engine {

// Equal for two files that do the same to a database, however their pages are compressed.
struct ObjectContent {
  std::uint32_t page_size = 0;
  std::uint32_t page_count = 0;  // of the database
  std::uint64_t pages = 0;       // in the file
  std::uint64_t checksum = 0;    // of all of them, as a database checksum is made
  friend bool operator==(const ObjectContent&, const ObjectContent&) = default;
};

// Adds up what is put into a file or read from it.
class ContentSum {
 public:
  void add(std::uint32_t page_number, base::ByteView page);
  [[nodiscard]] ObjectContent content(const ltx::Header& header) const;

 private:
  std::uint64_t pages_ = 0;
  ltx::DatabaseChecksum checksum_;
};

class ObjectCheck {
 public:
  ObjectCheck(ltx::Source source, const storage::LtxName& name) : decoder_(std::move(source)), name_(name) {}

  // Reads for about `slice`. True: there is more. corrupt: the file breaks a rule of its format, is not the one that
  // its name says, or a whole database whose checksum is not what its header tells.
  base::Result<bool> step(const base::Clock& clock, std::chrono::milliseconds slice);

  // After the last step.
  [[nodiscard]] const ltx::Header& header() const { return *header_; }
  [[nodiscard]] ObjectContent content() const { return sum_.content(*header_); }

 private:
  base::Result<> begin();
  base::Result<> end();

  ltx::Decoder decoder_;
  storage::LtxName name_;
  std::optional<ltx::Header> header_;
  ContentSum sum_;
};

}  // namespace engine
