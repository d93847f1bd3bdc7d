// Which stores the suite runs over, and how each is made empty and fresh.
#pragma once

#include <functional>
#include <memory>
#include <ostream>
#include <string>

#include "storage/object_store.h"
#include "storage/open_store.h"

namespace conformance {

// A store of its own for one test. What `owner` holds (a directory) lives as long as the store.
struct Opened {
  std::shared_ptr<void> owner;
  std::unique_ptr<storage::ObjectStore> store;
};

struct StoreUnderTest {
  std::string name;
  std::function<Opened()> open;
  std::size_t listing_keys = 10'000;  // how many keys the paging test makes
  friend std::ostream& operator<<(std::ostream& out, const StoreUnderTest& s) { return out << s.name; }
};

StoreUnderTest memory_store();
StoreUnderTest file_store();
// The server that tests/support/with-s3 has started; every test gets a prefix of its own in its bucket. Ends the
// process with a message if there is no such server.
StoreUnderTest s3_store();
// The same over TLS and through RetryingStore, as the daemon uses it.
StoreUnderTest retrying_s3_store();
// How the daemon would reach that server, with a fresh prefix.
storage::StoreConfig s3_config();

}  // namespace conformance
