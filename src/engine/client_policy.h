// What an operator may set for each client by itself, and change while it runs.
#pragma once

#include <chrono>
#include <memory>

#include "history/retention.h"

namespace engine {

// One object serves all clients with the same settings; it does not change. A client gets another one by mail.
struct ClientPolicy {
  std::chrono::milliseconds sync_interval{1000};  // least time between two objects of a busy database
  bool switch_to_wal = true;
  // Nothing is captured, uploaded, switched, merged or removed; what was captured before is still stored. Going on
  // costs one reading of the database, because nobody watched it meanwhile.
  bool paused = false;
  history::RetentionPolicy retention = {};

  friend bool operator==(const ClientPolicy&, const ClientPolicy&) = default;
};

// What the operator wants for a client from now on. Never null where it is sent.
using NewPolicy = std::shared_ptr<const ClientPolicy>;

}  // namespace engine
