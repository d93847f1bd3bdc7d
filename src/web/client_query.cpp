#include "web/client_query.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "web/server/query.h"

namespace web {

using engine::ClientState;
using engine::ClientStatus;

namespace {

constexpr std::array<std::pair<std::string_view, SortKey>, 7> kSortKeys{{{"id", SortKey::id},
                                                                         {"path", SortKey::path},
                                                                         {"state", SortKey::state},
                                                                         {"size", SortKey::size},
                                                                         {"lastReplicated", SortKey::last_replicated},
                                                                         {"txid", SortKey::txid},
                                                                         {"attention", SortKey::attention}}};

char to_lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool contains_ignoring_case(std::string_view text, std::string_view lower_case_part) {
  return !std::ranges::search(text, lower_case_part, {}, to_lower).empty() || lower_case_part.empty();
}

// Trouble first, then what is under way, then what is quiet.
int state_rank(ClientState state) {
  switch (state) {
    case ClientState::conflict:
      return 0;
    case ClientState::failing:
      return 1;
    case ClientState::blocked:
      return 2;
    case ClientState::paused:
      return 3;
    case ClientState::imaging:
      return 4;
    case ClientState::discovered:
      return 5;
    case ClientState::waiting:
      return 6;
    case ClientState::live:
      return 7;
    case ClientState::idle:
      return 8;
    case ClientState::removed:
      return 9;
  }
  return 9;
}

base::Result<std::size_t> parse_count(std::string_view name, std::string_view text, std::size_t min, std::size_t max) {
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < min || value > max) {
    return base::fail(base::Category::invalid, std::string(name) + " must be a number from " + std::to_string(min) +
                                                   " to " + std::to_string(max));
  }
  return value;
}

base::Result<std::bitset<kClientStates>> parse_states(std::string_view list) {
  std::bitset<kClientStates> states;
  while (!list.empty()) {
    const std::size_t comma = list.find(',');
    const std::string_view word = list.substr(0, comma);
    std::size_t index = 0;
    while (index < kClientStates && to_string(static_cast<ClientState>(index)) != word) ++index;
    if (index == kClientStates) {
      return base::fail(base::Category::invalid, "state: there is no state \"" + std::string(word) + "\"");
    }
    states.set(index);
    if (comma == std::string_view::npos) break;
    list.remove_prefix(comma + 1);
  }
  return states;
}

base::Result<> apply(ClientQuery& query, std::string_view name, std::string_view value) {
  if (name == "limit") {
    TRY_ASSIGN(query.limit, parse_count(name, value, 1, kLimitMax));
  } else if (name == "offset") {
    TRY_ASSIGN(query.offset, parse_count(name, value, 0, 1'000'000'000));
  } else if (name == "state") {
    TRY_ASSIGN(query.states, parse_states(value));
  } else if (name == "q") {
    query.text = value;
    std::ranges::transform(query.text, query.text.begin(), to_lower);
  } else if (name == "sort") {
    const auto* const found = std::ranges::find(kSortKeys, value, &decltype(kSortKeys)::value_type::first);
    if (found == kSortKeys.end()) {
      return base::fail(base::Category::invalid,
                        "sort must be id, path, state, size, lastReplicated, txid or attention");
    }
    query.sort = found->second;
  } else if (name == "order") {
    if (value != "asc" && value != "desc") return base::fail(base::Category::invalid, "order must be asc or desc");
    query.order = value == "desc" ? SortOrder::descending : SortOrder::ascending;
  }
  return {};
}

bool matches(const ClientStatus& client, const ClientQuery& query) {
  const bool state_wanted = query.states.none() ? client.state != ClientState::removed
                                                : query.states.test(static_cast<std::size_t>(client.state));
  return state_wanted && (contains_ignoring_case(client.client_id, query.text) ||
                          contains_ignoring_case(client.database_path, query.text));
}

using Clients = std::vector<const ClientStatus*>;

void sort_clients(Clients& clients, SortKey key, SortOrder order) {
  const auto by = [&](auto projection) {
    std::ranges::sort(clients, [&](const ClientStatus* a, const ClientStatus* b) {
      const auto difference =
          order == SortOrder::ascending ? projection(*a) <=> projection(*b) : projection(*b) <=> projection(*a);
      return difference != 0 ? difference < 0 : a->client_id < b->client_id;
    });
  };
  switch (key) {
    case SortKey::id:
      if (order == SortOrder::descending) std::ranges::reverse(clients);  // snapshots are in this order already
      break;
    case SortKey::path:
      by([](const ClientStatus& c) -> std::string_view { return c.database_path; });
      break;
    case SortKey::state:
      by([](const ClientStatus& c) { return state_rank(c.state); });
      break;
    case SortKey::size:
      by([](const ClientStatus& c) { return c.database_bytes; });
      break;
    case SortKey::last_replicated:
      by([](const ClientStatus& c) { return c.last_replicated; });
      break;
    case SortKey::txid:
      by([](const ClientStatus& c) { return c.txid; });
      break;
    case SortKey::attention:
      by([](const ClientStatus& c) { return needs_attention(c.state) ? state_rank(c.state) : 9; });
      break;
  }
}

}  // namespace

bool is_active(ClientState state) {
  return state == ClientState::imaging || state == ClientState::live || state == ClientState::idle;
}

bool needs_attention(ClientState state) {
  return state == ClientState::conflict || state == ClientState::failing || state == ClientState::blocked;
}

base::Result<ClientQuery> parse_client_query(std::string_view query) {
  QueryParameters parameters;
  TRY_ASSIGN(parameters, parse_query(query));
  ClientQuery parsed;
  for (const auto& [name, value] : parameters) TRY(apply(parsed, name, value));
  return parsed;
}

Selection select_clients(const engine::FleetStatus& fleet, const ClientQuery& query) {
  Selection selection;
  for (const auto& client : fleet.clients) {
    if (matches(*client, query)) selection.clients.push_back(client.get());
  }
  selection.matching = selection.clients.size();
  sort_clients(selection.clients, query.sort, query.order);
  const auto skipped = static_cast<std::ptrdiff_t>(std::min(query.offset, selection.matching));
  selection.clients.erase(selection.clients.begin(), selection.clients.begin() + skipped);
  if (query.limit && selection.clients.size() > *query.limit) selection.clients.resize(*query.limit);
  return selection;
}

}  // namespace web
