// Which clients an API call asks for, and in which order: pure functions over a snapshot.
//
//   limit=N     at most N clients (1 to 10,000); without it all of them
//   offset=N    skip that many of what matches
//   state=a,b   only these states (live, idle, failing ...); without it all but removed
//   q=TEXT      id or path holds TEXT, ASCII letters in any case
//   sort=KEY    id (default), path, state, size, lastReplicated, txid, or attention: those that need a person first
//   order=asc|desc
//
// Unknown parameters are ignored, so that clients may add a cache-buster.
#pragma once

#include <bitset>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "engine/status.h"

namespace web {

inline constexpr std::size_t kClientStates = 10;
inline constexpr std::size_t kLimitMax = 10'000;

enum class SortKey { id, path, state, size, last_replicated, txid, attention };
enum class SortOrder { ascending, descending };

struct ClientQuery {
  std::optional<std::size_t> limit;
  std::size_t offset = 0;
  std::bitset<kClientStates> states;  // none set: the default, all but removed
  std::string text;                   // lower case
  SortKey sort = SortKey::id;
  SortOrder order = SortOrder::ascending;
};

// Category::invalid with a sentence for the caller.
base::Result<ClientQuery> parse_client_query(std::string_view query);

struct Selection {
  std::size_t matching = 0;  // before limit and offset
  std::vector<const engine::ClientStatus*> clients;
};

// The pointers live as long as `fleet`. Equal keys stay in the order of ids. Cost: one pass, and a sort unless by id.
Selection select_clients(const engine::FleetStatus& fleet, const ClientQuery& query);

// Replication of this client runs: imaging, live or idle.
bool is_active(engine::ClientState state);
// A person should look: conflict, failing or blocked.
bool needs_attention(engine::ClientState state);

}  // namespace web
