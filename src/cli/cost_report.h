// What `explain -cost` writes: what each client will cost a day, and all of them. Pure.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "engine/write_rates.h"
#include "history/cost.h"
#include "history/retention.h"

namespace cli {

struct ClientCost {
  std::string id;
  history::Writing writing;
  history::Forecast day;
  double stored_now = 0;      // bytes
  double requests_price = 0;  // of a day
  double storage_price = 0;   // of a day, when as much is removed as comes
  history::Requests looks;    // of a day: what verifications ask, and of all clients together audits, too
  double looks_bytes = 0;     // and read

  [[nodiscard]] double price() const { return requests_price + storage_price; }
  [[nodiscard]] double requests() const { return day.requests().total() + looks.total(); }
};

struct CostReport {
  std::vector<ClientCost> clients;  // the dearest first
  ClientCost all;                   // id is empty; deletions of all go together
};

// What is kept of a client.
using RetentionOf = std::function<history::RetentionPolicy(const engine::ClientRates&)>;

// What the daemon looks at in the bucket by itself, however little is written. 0: never.
struct Looks {
  std::chrono::milliseconds verify_every{0}, audit_every{0};
};

CostReport cost_report(const std::vector<engine::ClientRates>& rates, const RetentionOf& retention_of,
                       const history::PriceTable& prices, const Looks& looks = {});

// A table of the dearest clients and of all.
std::string cost_text(const CostReport& report);
// {"clients": [{"id", "commitsPerDay", "captures", ...}], "all": {...}}, with every client.
std::string cost_json(const CostReport& report);

}  // namespace cli
