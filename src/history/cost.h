// What requests and storage cost, and what a database will cost by what it writes. Pure. Estimates for people
// (`explain`), never a ground for a decision.
#pragma once

#include <cstdint>

#include "history/compaction.h"

namespace history {

// In one currency. Defaults: US dollars, Amazon's list for S3 Standard in us-east-1 (PUT, POST and LIST at one price,
// GET and all others at another, DELETE free, the first 50 TB of storage, traffic inside the region free). A GB is
// 2^30 bytes, as Amazon bills it.
struct PriceTable {
  double put_per_1000 = 0.005;
  double get_per_1000 = 0.0004;
  double list_per_1000 = 0.005;
  double head_per_1000 = 0.0004;
  double delete_per_1000 = 0;
  double storage_per_gb_month = 0.023;
  double download_per_gb = 0;

  friend bool operator==(const PriceTable&, const PriceTable&) = default;
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
double download_cost(double received_bytes, const PriceTable& prices = {});
// For a month.
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
