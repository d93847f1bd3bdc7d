// What requests and storage cost, and what a database will cost by what it writes. Pure. Estimates for people
// (`explain`), never a ground for a decision.
#pragma once

#include <cstdint>

#include "history/compaction.h"

namespace history {

// US dollars. Defaults: Amazon S3 Standard, us-east-1; DELETE is free there.
struct PriceTable {
  double per_1000_writes = 0.005;  // PUT, POST, LIST
  double per_1000_reads = 0.0004;  // GET, HEAD
  double per_gb_month = 0.023;     // of 10^9 bytes and 30 days
};

struct Requests {
  double puts = 0;
  double gets = 0;
  double lists = 0;
  double heads = 0;
  double deletes = 0;  // batches

  [[nodiscard]] double total() const { return puts + gets + lists + heads + deletes; }
};

double request_cost(const Requests& requests, const PriceTable& prices = {});
// For a month of 30 days.
double storage_cost(double stored_bytes, const PriceTable& prices = {});

// How a database is written while it is in use.
struct WriteRate {
  double commits_per_day = 0;  // that are captured alone: at most one a sync interval
  double active_hours_per_day = 24;
};

// A day's requests by the rules of compaction.h and an hourly retention pass: within 3 % of the model of histories for
// steady writers; bursts need fewer. Snapshots (0 to 1 a day) and large merges are left out.
Requests predict_requests(const WriteRate& rate, const CompactionRules& rules = {});

}  // namespace history
