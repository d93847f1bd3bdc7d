// Which databases there are: by id (whatever its case) and by path, both O(1). One thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/types.h"
#include "engine/client.h"
#include "engine/client_policy.h"
#include "os/file.h"

namespace fleet {

// What a sweep compares: a change without an event is a missed event.
struct FileSignature {
  std::uint64_t inode = 0;
  std::uint64_t size_bytes = 0;
  std::int64_t modified_ns = 0;
  friend bool operator==(const FileSignature&, const FileSignature&) = default;
};

struct Entry {
  base::DatabaseId id;
  std::string path;
  engine::Client* client = nullptr;
  std::shared_ptr<const engine::ClientPolicy> policy;  // last sent; null: none
  bool present = false;
  std::uint64_t events = 0;        // seen for any of its files
  std::uint64_t events_swept = 0;  // `events` at the last sweep
  FileSignature database, log;     // at the last sweep
};

class Registry {
 public:
  [[nodiscard]] Entry* find_by_path(const std::string& path) const;
  [[nodiscard]] Entry* find_by_id(std::string_view id) const;  // case does not matter
  // REQUIRES: neither id nor path is known.
  Entry& add(Entry entry);
  // The client lives at another path from now on.
  void move(Entry& entry, const std::string& path);

  [[nodiscard]] const std::unordered_map<std::string, std::unique_ptr<Entry>>& entries() const { return by_id_; }

 private:
  std::unordered_map<std::string, std::unique_ptr<Entry>> by_id_;  // folded case
  std::unordered_map<std::string, Entry*> by_path_;
};

}  // namespace fleet
