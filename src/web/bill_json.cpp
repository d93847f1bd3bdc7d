#include "web/bill_json.h"

#include <optional>

namespace web {

using Json = nlohmann::ordered_json;

namespace {

Json of_time(const std::optional<base::UnixMillis>& time) {
  return time ? Json(base::to_rfc3339(*time)) : Json();
}

Json of_number(const std::optional<double>& number) {
  return number ? Json(*number) : Json();
}

Json holdings_record(const engine::BucketHoldings& holdings) {
  return Json{{"objects", holdings.objects},
              {"bytes", holdings.bytes},
              {"planObjects", holdings.plan_objects},
              {"oldestPointAt", of_time(holdings.oldest_point)},
              {"lastSnapshotAt", of_time(holdings.last_snapshot)},
              {"failure", holdings.failure},
              {"failedAt", of_time(holdings.failed_at)},
              {"failing", holdings.failing}};
}

}  // namespace

std::string_view kind_word(storage::RequestKind kind) {
  switch (kind) {
    case storage::RequestKind::put:
      return "put";
    case storage::RequestKind::get:
      return "get";
    case storage::RequestKind::list:
      return "list";
    case storage::RequestKind::head:
      return "head";
    case storage::RequestKind::remove:
      return "delete";
  }
  return "put";
}

Json tally_record(const engine::RequestTally& tally) {
  Json record = Json::object();
  for (std::size_t purpose = 0; purpose < engine::kPurposes; ++purpose) {
    for (std::size_t kind = 0; kind < storage::kRequestKinds; ++kind) {
      const std::uint64_t count = tally.requests.at(purpose).at(kind);
      if (count == 0) continue;
      const std::string of_purpose(to_string(static_cast<engine::Purpose>(purpose)));
      record[of_purpose][std::string(kind_word(static_cast<storage::RequestKind>(kind)))] = count;
    }
  }
  return record;
}

Json bill_record(const engine::FleetBill& bill) {
  return Json{{"priced", bill.priced},
              {"requestsPerDay", of_number(bill.requests_per_day)},
              {"monthCountedFrom", base::to_rfc3339(bill.month_counted_from)},
              {"monthRequests", bill.this_month.total()},
              {"monthRequestsByPurpose", tally_record(bill.this_month)},
              {"monthBytesSent", bill.this_month.sent_bytes},
              {"monthBytesReceived", bill.this_month.received_bytes},
              {"monthCost", bill.month_cost},
              {"monthStorageCost", bill.month_storage_cost},
              {"monthCostProjected", of_number(bill.month_cost_projected)},
              {"storedObjects", bill.stored_objects},
              {"storedBytes", bill.stored_bytes}};
}

Json account_record(const engine::ClientAccount& account) {
  return Json{{"requests", account.since_start.total()},
              {"requestsByPurpose", tally_record(account.since_start)},
              {"bytesSent", account.since_start.sent_bytes},
              {"bytesReceived", account.since_start.received_bytes},
              {"requestsPerDay", of_number(account.requests_per_day)},
              {"costPerMonth", of_number(account.cost_per_month)},
              {"bucket", account.holdings ? holdings_record(*account.holdings) : Json()}};
}

}  // namespace web
