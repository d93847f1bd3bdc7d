#include "engine/bill.h"

#include <algorithm>
#include <array>
#include <sstream>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/guarded.h"

namespace engine {

namespace {

using base::UnixMillis;
using std::chrono::hours;
using storage::RequestKind;

constexpr std::size_t kHours = 24;
constexpr UnixMillis kShortestRate = hours{1};  // what a rate is told from
constexpr int kSavedVersion = 2;
constexpr std::size_t kPurposesOfVersion1 = 6;
using Days = std::chrono::duration<double, std::chrono::days::period>;

struct MonthSpan {
  UnixMillis begin, end;
};

MonthSpan month_of(UnixMillis time) {
  const std::chrono::year_month_day day{std::chrono::floor<std::chrono::days>(std::chrono::sys_time(time))};
  const auto first = day.year() / day.month() / 1;
  const auto at = [](const auto& date) {
    return std::chrono::duration_cast<UnixMillis>(std::chrono::sys_days(date).time_since_epoch());
  };
  return {at(first), at(first + std::chrono::months{1})};
}

// Requests by kind, as prices see them.
struct Kinds {
  std::array<std::uint64_t, storage::kRequestKinds> requests{};
  std::uint64_t received = 0;

  void operator+=(const Kinds& other) {
    for (std::size_t i = 0; i < requests.size(); ++i) requests.at(i) += other.requests.at(i);
    received += other.received;
  }
  [[nodiscard]] double of(RequestKind kind) const { return static_cast<double>(requests.at(std::to_underlying(kind))); }
  [[nodiscard]] double total() const {
    double sum = 0;
    for (const std::uint64_t count : requests) sum += static_cast<double>(count);
    return sum;
  }
  [[nodiscard]] double cost(const history::PriceTable& prices) const {
    const history::Requests as_requests{.puts = of(RequestKind::put),
                                        .gets = of(RequestKind::get),
                                        .lists = of(RequestKind::list),
                                        .heads = of(RequestKind::head),
                                        .deletes = of(RequestKind::remove)};
    return history::request_cost(as_requests, prices) + history::download_cost(static_cast<double>(received), prices);
  }
};

Kinds kinds_of(const RequestTally& tally) {
  Kinds kinds;
  for (std::size_t i = 0; i < kinds.requests.size(); ++i) kinds.requests.at(i) = tally.of(static_cast<RequestKind>(i));
  kinds.received = tally.received_bytes;
  return kinds;
}

struct Hour {
  std::int64_t number = -1;  // since 1970
  Kinds kinds;
};

// Few of the forty counts of a tally are not 0 for one client: each is a number that says which it is (upper 8 bits)
// and how many.
struct SmallTally {
  static constexpr unsigned kCountBits = 56;
  static constexpr std::uint64_t kCountMask = (std::uint64_t{1} << kCountBits) - 1;
  std::vector<std::uint64_t> cells;
  std::uint64_t sent_bytes = 0, received_bytes = 0;

  void add(Purpose purpose, RequestKind kind) {
    const std::uint64_t which = std::to_underlying(purpose) * storage::kRequestKinds + std::to_underlying(kind);
    const auto found = std::ranges::find(cells, which, [](std::uint64_t cell) { return cell >> kCountBits; });
    if (found == cells.end()) {
      cells.push_back(which << kCountBits | 1U);
    } else {
      ++*found;
    }
  }
  [[nodiscard]] RequestTally tally() const {
    RequestTally tally;
    for (const std::uint64_t cell : cells) {
      const std::size_t which = cell >> kCountBits;
      tally.requests.at(which / storage::kRequestKinds).at(which % storage::kRequestKinds) = cell & kCountMask;
    }
    tally.sent_bytes = sent_bytes;
    tally.received_bytes = received_bytes;
    return tally;
  }
};

struct State {
  history::PriceTable prices;
  bool priced = false;
  UnixMillis started{0};
  UnixMillis counted_from{0};  // the first run whose counts are known here
  RequestTally since_start, month;
  UnixMillis month_begin{0}, month_counted_from{0};
  std::array<Hour, kHours> recent;
  std::uint64_t stored_objects = 0, stored_bytes = 0;
  UnixMillis integrated_to{0};
  double stored_byte_days = 0;  // of the month
  std::unordered_map<Guid, SmallTally, GuidHash> clients;
  bool unsaved = false;

  // What the bucket has held since the last change, in this month.
  void pass_to(UnixMillis now) {
    const MonthSpan month_now = month_of(now);
    if (month_now.begin != month_begin) {
      month = {};
      stored_byte_days = 0;
      const bool was_there_before = month_begin != UnixMillis{0} && now > month_begin;
      month_counted_from = was_there_before ? month_now.begin : now;
      integrated_to = std::max(integrated_to, month_now.begin);
      month_begin = month_now.begin;
    }
    if (now > integrated_to) stored_byte_days += static_cast<double>(stored_bytes) * Days(now - integrated_to).count();
    integrated_to = now;
  }
  Kinds& hour(UnixMillis now) {
    const std::int64_t number = std::chrono::floor<hours>(now).count();
    Hour& slot = recent.at(static_cast<std::size_t>(number) % kHours);
    if (slot.number != number) slot = {number, {}};
    return slot.kinds;
  }
};

}  // namespace

struct Bill::Books {
  explicit Books(const base::Clock& clock_to_use) : clock(clock_to_use) {}
  const base::Clock& clock;
  base::Guarded<State> state;
};

class Bill::Entry final : public storage::RequestObserver {
 public:
  Entry(std::shared_ptr<Books> books, Purpose purpose, std::optional<Guid> client)
      : books_(std::move(books)), purpose_(purpose), client_(client) {}

  void on_request(RequestKind kind) override {
    const UnixMillis now = books_->clock.unix_now();
    books_->state.with([&](State& state) {
      state.pass_to(now);
      const auto count_in = [&](RequestTally& tally) {
        ++tally.requests.at(std::to_underlying(purpose_)).at(std::to_underlying(kind));
      };
      count_in(state.since_start);
      count_in(state.month);
      ++state.hour(now).requests.at(std::to_underlying(kind));
      if (client_) state.clients[*client_].add(purpose_, kind);
      state.unsaved = true;
    });
  }

  void on_bytes(std::uint64_t sent, std::uint64_t received) override {
    const UnixMillis now = books_->clock.unix_now();
    books_->state.with([&](State& state) {
      state.pass_to(now);
      const auto count_in = [&](auto& tally) {
        tally.sent_bytes += sent;
        tally.received_bytes += received;
      };
      count_in(state.since_start);
      count_in(state.month);
      if (client_) count_in(state.clients[*client_]);
      state.hour(now).received += received;
      state.unsaved = true;
    });
  }

 private:
  const std::shared_ptr<Books> books_;
  const Purpose purpose_;
  const std::optional<Guid> client_;
};

Bill::Bill(const base::Clock& clock) : books_(std::make_shared<Books>(clock)) {
  const UnixMillis now = clock.unix_now();
  books_->state.with([&](State& state) {
    state.started = state.counted_from = state.integrated_to = now;
    state.pass_to(now);
  });
}

void Bill::set_prices(const history::PriceTable& prices) {
  books_->state.with([&](State& state) {
    state.prices = prices;
    state.priced = true;
  });
}

std::shared_ptr<storage::RequestObserver> Bill::charge(Purpose purpose, std::optional<Guid> client) {
  return std::make_shared<Entry>(books_, purpose, client);
}

void Bill::set_stored(std::uint64_t objects, std::uint64_t bytes) {
  const UnixMillis now = books_->clock.unix_now();
  books_->state.with([&](State& state) {
    state.pass_to(now);
    state.stored_objects = objects;
    state.stored_bytes = bytes;
  });
}

FleetBill Bill::fleet() const {
  const UnixMillis now = books_->clock.unix_now();
  return books_->state.with([&](State& state) {
    state.pass_to(now);
    FleetBill bill;
    bill.priced = state.priced;
    bill.since_start = state.since_start;
    bill.this_month = state.month;
    bill.month_counted_from = state.month_counted_from;
    bill.stored_objects = state.stored_objects;
    bill.stored_bytes = state.stored_bytes;
    const history::PriceTable prices = state.priced ? state.prices : history::PriceTable{0, 0, 0, 0, 0, 0, 0};
    const MonthSpan month = month_of(now);
    const double month_days = Days(month.end - month.begin).count();
    bill.month_storage_cost = history::storage_cost(state.stored_byte_days / month_days, prices);
    bill.month_cost = kinds_of(state.month).cost(prices) + bill.month_storage_cost;

    const std::int64_t hour = std::chrono::floor<hours>(now).count();
    const std::int64_t first_hour = hour - static_cast<std::int64_t>(kHours) + 1;
    const UnixMillis from = std::max<UnixMillis>(hours{first_hour}, state.counted_from);
    if (now - from < kShortestRate) return bill;
    Kinds recent;
    for (const Hour& one : state.recent) {
      if (one.number >= first_hour && one.number <= hour) recent += one.kinds;
    }
    const double days = Days(now - from).count();
    const double left = Days(month.end - now).count();
    bill.requests_per_day = recent.total() / days;
    bill.month_cost_projected =
        bill.month_cost + recent.cost(prices) / days * left +
        history::storage_cost(static_cast<double>(state.stored_bytes) * left / month_days, prices);
    return bill;
  });
}

ClientAccount Bill::account(const Guid& client, std::uint64_t stored_bytes) const {
  const UnixMillis now = books_->clock.unix_now();
  return books_->state.with([&](const State& state) {
    ClientAccount account;
    if (const auto found = state.clients.find(client); found != state.clients.end()) {
      account.since_start = found->second.tally();
    }
    if (now - state.started < kShortestRate) return account;
    constexpr double kMonthDays = 30;
    const double days = Days(now - state.started).count();
    account.requests_per_day = static_cast<double>(account.since_start.total()) / days;
    if (!state.priced) return account;
    account.cost_per_month = kinds_of(account.since_start).cost(state.prices) / days * kMonthDays +
                             history::storage_cost(static_cast<double>(stored_bytes), state.prices);
    return account;
  });
}

bool Bill::unsaved() const {
  return books_->state.with([](const State& state) { return state.unsaved; });
}

std::string Bill::save() const {
  const UnixMillis now = books_->clock.unix_now();
  return books_->state.with([&](State& state) {
    state.pass_to(now);
    state.unsaved = false;
    std::ostringstream out;
    out.precision(17);
    out << kSavedVersion << ' ' << state.month_begin.count() << ' ' << state.month_counted_from.count() << ' '
        << state.counted_from.count() << ' ' << state.integrated_to.count() << ' ' << state.stored_bytes << ' '
        << state.stored_byte_days << ' ' << state.month.sent_bytes << ' ' << state.month.received_bytes;
    for (const auto& kinds : state.month.requests) {
      for (const std::uint64_t count : kinds) out << ' ' << count;
    }
    for (const Hour& hour : state.recent) {
      out << ' ' << hour.number << ' ' << hour.kinds.received;
      for (const std::uint64_t count : hour.kinds.requests) out << ' ' << count;
    }
    return out.str();
  });
}

void Bill::restore(std::string_view saved) {
  std::istringstream in{std::string(saved)};
  State read;
  int version = 0;
  std::int64_t month_begin = 0;
  std::int64_t month_counted_from = 0;
  std::int64_t counted_from = 0;
  std::int64_t integrated_to = 0;
  in >> version >> month_begin >> month_counted_from >> counted_from >> integrated_to >> read.stored_bytes >>
      read.stored_byte_days >> read.month.sent_bytes >> read.month.received_bytes;
  for (std::size_t purpose = 0; purpose < (version == 1 ? kPurposesOfVersion1 : kPurposes); ++purpose) {
    for (std::uint64_t& count : read.month.requests.at(purpose)) in >> count;
  }
  for (Hour& hour : read.recent) {
    in >> hour.number >> hour.kinds.received;
    for (std::uint64_t& count : hour.kinds.requests) in >> count;
  }
  const UnixMillis now = books_->clock.unix_now();
  const bool from_the_future = UnixMillis{integrated_to} > now;
  if (!in || version < 1 || version > kSavedVersion || from_the_future) return;
  books_->state.with([&](State& state) {
    state.month = read.month;
    state.month_begin = UnixMillis{month_begin};
    state.month_counted_from = UnixMillis{month_counted_from};
    state.counted_from = UnixMillis{counted_from};
    state.integrated_to = UnixMillis{integrated_to};
    state.stored_bytes = read.stored_bytes;
    state.stored_byte_days = read.stored_byte_days;
    state.recent = read.recent;
    state.pass_to(now);
  });
}

}  // namespace engine
