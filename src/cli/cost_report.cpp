#include "cli/cost_report.h"

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kShown = 20;
constexpr double kDaysInMonth = 30;
// Deletions of all clients are gathered for five minutes, a thousand objects at most (engine/remover.h).
constexpr double kBatchesPerDay = 24 * 12;
constexpr double kObjectsPerBatch = 1000;

// What a restore reads, by the rules of compaction.h: on the average half of what a level may hold, and an image.
constexpr double kPlanObjects = 20;
constexpr double kObjectsPerPage = 1000;

double times_a_day(std::chrono::milliseconds every) {
  return every.count() == 0 ? 0 : std::chrono::duration<double, std::milli>(std::chrono::hours(24)) / every;
}

void price(ClientCost& cost, const history::PriceTable& prices) {
  cost.requests_price = history::request_cost(cost.day.requests(), prices) + history::request_cost(cost.looks, prices) +
                        history::download_cost(cost.looks_bytes, prices);
  cost.storage_price = history::storage_cost(cost.day.stored_bytes, prices) / kDaysInMonth;
}

void add(ClientCost& all, const ClientCost& one) {
  all.writing.commits_per_day += one.writing.commits_per_day;
  all.day.captures += one.day.captures;
  all.day.merges += one.day.merges;
  all.day.snapshots += one.day.snapshots;
  all.day.snapshot_requests += one.day.snapshot_requests;
  all.day.snapshot_reads += one.day.snapshot_reads;
  all.day.deletes += one.day.deletes;
  all.day.stored_bytes += one.day.stored_bytes;
  all.stored_now += one.stored_now;
  all.looks.gets += one.looks.gets;
  all.looks.lists += one.looks.lists;
  all.looks_bytes += one.looks_bytes;
}

std::string bytes_text(double bytes) {
  constexpr std::array kUnits{"B", "KB", "MB", "GB", "TB", "PB"};
  std::size_t unit = 0;
  for (; bytes >= 1024 && unit + 1 < kUnits.size(); ++unit) bytes /= 1024;
  return fmt::format("{:.{}f} {}", bytes, unit == 0 || bytes >= 100 ? 0 : 1, kUnits.at(unit));
}

std::string line(std::string_view name, const ClientCost& c) {
  return fmt::format("{:<36} {:>10.0f} {:>10.0f} {:>8.0f} {:>9.2f} {:>8.0f} {:>10.0f} {:>10} {:>10} {:>10.5f}\n", name,
                     c.writing.commits_per_day, c.day.captures, c.day.merges, c.day.snapshots,
                     c.day.deletes + c.day.heads, c.requests(), bytes_text(c.stored_now),
                     bytes_text(c.day.stored_bytes), c.price());
}

Json record(const ClientCost& c) {
  return Json{{"commitsPerDay", c.writing.commits_per_day},
              {"captures", c.day.captures},
              {"merges", c.day.merges},
              {"snapshots", c.day.snapshots},
              {"deletes", c.day.deletes},
              {"requests", c.requests()},
              {"looks", c.looks.total()},
              {"storedBytesNow", c.stored_now},
              {"storedBytes", c.day.stored_bytes},
              {"requestsPrice", c.requests_price},
              {"storagePrice", c.storage_price},
              {"price", c.price()}};
}

}  // namespace

CostReport cost_report(const std::vector<engine::ClientRates>& rates, const RetentionOf& retention_of,
                       const history::PriceTable& prices, const Looks& looks) {
  CostReport report;
  const double verified = times_a_day(looks.verify_every);
  double objects = 0;
  for (const engine::ClientRates& client : rates) {
    ClientCost cost;
    cost.id = client.id;
    cost.writing = client.writing;
    cost.day = history::forecast(client.writing, client.sizes, retention_of(client));
    cost.stored_now = static_cast<double>(client.stored_bytes);
    const auto held = static_cast<double>(client.stored_objects);
    objects += held;
    cost.looks.lists = verified * std::max(1.0, std::ceil(held / kObjectsPerPage));
    cost.looks.gets = verified * (held > 0 ? std::min(held, kPlanObjects) : kPlanObjects);
    cost.looks_bytes = verified * client.sizes.image();
    price(cost, prices);
    add(report.all, cost);
    report.clients.push_back(std::move(cost));
  }
  history::Forecast& all = report.all.day;
  const double full_batches = (all.captures + all.merges) / kObjectsPerBatch;
  all.deletes = std::min(all.deletes, kBatchesPerDay + full_batches);
  all.heads = all.deletes;
  report.all.looks.lists += times_a_day(looks.audit_every) * std::max(1.0, std::ceil(objects / kObjectsPerPage));
  price(report.all, prices);
  std::ranges::sort(report.clients, [](const ClientCost& a, const ClientCost& b) {
    return a.price() == b.price() ? a.id < b.id : a.price() > b.price();
  });
  return report;
}

std::string cost_text(const CostReport& report) {
  std::string text =
      fmt::format("{:<36} {:>10} {:>10} {:>8} {:>9} {:>8} {:>10} {:>10} {:>10} {:>10}\n", "a day", "commits", "uploads",
                  "merges", "snapshots", "removal", "requests", "holds", "will hold", "price");
  ClientCost others;
  const bool alike = report.clients.size() > 1 && report.clients.front().id == report.clients.back().id;
  const std::size_t shown = std::min(alike ? 1 : kShown, report.clients.size());
  for (std::size_t i = 0; i < report.clients.size(); ++i) {
    if (i < shown) {
      text += line(report.clients[i].id, report.clients[i]);
    } else {
      add(others, report.clients[i]);
      others.requests_price += report.clients[i].requests_price;
      others.storage_price += report.clients[i].storage_price;
    }
  }
  const std::size_t rest = report.clients.size() - shown;
  if (rest > 0) text += line(fmt::format("{} others", rest), others);
  if (report.clients.size() != 1) text += line(fmt::format("all {}", report.clients.size()), report.all);
  const ClientCost& all = report.all;
  text += fmt::format(
      "\nIn 30 days {:.4f}: requests {:.4f}, storage {:.4f}, by the prices that \"explain\" shows (price-...).\n"
      "\"will hold\" is when retention removes as much as comes; a forecast within a factor of two, requests within 5 "
      "%.\nAmong the requests are {:.0f} in 30 days that prove backups (verify-every) and compare the bucket with the "
      "record (audit-every).\n",
      all.price() * kDaysInMonth, all.requests_price * kDaysInMonth, all.storage_price * kDaysInMonth,
      all.looks.total() * kDaysInMonth);
  return text;
}

std::string cost_json(const CostReport& report) {
  Json json{{"clients", Json::array()}, {"all", record(report.all)}};
  for (const ClientCost& client : report.clients) {
    Json one{{"id", client.id}};
    one.update(record(client));
    json["clients"].push_back(std::move(one));
  }
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace cli
