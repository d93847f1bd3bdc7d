// Restore points that somebody wants to keep, as they stand in the bucket: one small JSON object each,
// `databases/pins/{GUID}/{TXID}.json` (decision 0016). They survive the loss of the state directory, and Litestream,
// which lists `databases/{GUID}/` only, never sees them.
//
//   {"note": "before the migration", "made": "2026-11-22T20:38:17.498Z", "until": "2027-06-30T00:00:00Z"}
//
// Without "until": for good. What cannot be read counts as a pin for good: a typing mistake must not remove a backup.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/types.h"
#include "history/retention.h"
#include "storage/object_store.h"

namespace engine {

struct BucketPin {
  base::DatabaseId client;
  history::Pin pin;
  base::UnixMillis made{0};  // 0: not known
};

// "databases/pins/", and of one client.
std::string pin_prefix();
std::string pin_prefix(const base::DatabaseId& client);
base::ObjectKey pin_key(const base::DatabaseId& client, base::Txid txid);

base::Bytes encode_pin(const BucketPin& pin);
// nullopt: the key is not one of a pin. Any bytes are taken.
std::optional<BucketPin> parse_pin_key(std::string_view key);
BucketPin decode_pin(BucketPin named, base::ByteView bytes);

// For commands: all of them, or those of one client, by client and TXID. Blocks for a LIST and a GET each. The store's
// errors.
base::Result<std::vector<BucketPin>> read_pins(storage::ObjectStore& store, const std::string& prefix);
// Replaces one of the same client and TXID.
base::Result<> store_pin(storage::ObjectStore& store, const BucketPin& pin);

// What is known of the pins of all clients, from one reading to the next (pin_reading.h). A value.
struct PinBook {
  struct Entry {
    std::uint64_t size_bytes = 0;
    base::UnixMillis last_modified{0};
    BucketPin pin;
  };
  std::map<std::string, Entry> entries;  // by key
  std::optional<base::SteadyTime> read;  // when it was last found to be so; never: nothing is known

  [[nodiscard]] std::vector<history::Pin> of(const base::DatabaseId& client) const;
  // Clients whose pins are others in `now`.
  [[nodiscard]] std::vector<base::DatabaseId> changed(const PinBook& now) const;
};

}  // namespace engine
