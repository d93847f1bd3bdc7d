// Brings the bytes of stored objects here, out of the cache or else the bucket: in memory if they are few, else in one
// file without a name in the staging directory. Asynchronous; belongs to upkeep's thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "engine/upkeep_shared.h"
#include "history/object.h"
#include "ltx/decoder.h"
#include "os/file.h"

namespace engine {

class InputFetch : public std::enable_shared_from_this<InputFetch> {
 public:
  // Sizes are those of the inventory.
  InputFetch(UpkeepShared& shared, base::DatabaseId client, const std::vector<history::Object>& objects);

  // Looks into the cache and sends the first requests.
  void start();
  [[nodiscard]] bool finished() const { return error_ ? in_flight_ == 0 : missing_ == 0; }
  // After the end. not_found: the inventory knows an object that the bucket does not have. corrupt: its size differs.
  [[nodiscard]] const std::optional<base::Error>& error() const { return error_; }
  // Bytes of one object, each call from its start. Keeps what it reads from alive.
  [[nodiscard]] ltx::Source source(std::size_t index) const;

 private:
  struct Input {
    history::Object object;
    base::ObjectKey key;
    std::uint64_t position = 0;  // of its first byte among all
  };
  void request_more();
  void request(std::size_t index, std::uint64_t offset, std::uint64_t length);
  void on_answer(std::size_t index, std::uint64_t offset, std::uint64_t length, base::Result<base::Bytes> bytes);
  base::Result<> store(std::uint64_t position, base::ByteView bytes);
  void fail(base::Error error);

  UpkeepShared& shared_;
  base::DatabaseId client_;
  std::vector<Input> inputs_;
  std::uint64_t total_ = 0;
  std::uint64_t missing_ = 0;  // bytes
  std::size_t next_input_ = 0;
  std::uint64_t next_offset_ = 0;
  unsigned in_flight_ = 0;
  base::Bytes memory_;
  os::File spool_;
  std::optional<base::Error> error_;
};

}  // namespace engine
