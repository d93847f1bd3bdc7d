// What a browser, or anything else that reaches the port, may send: query, tags, Host.
#include "engine/status.h"
#include "fuzz.h"
#include "web/client_query.h"
#include "web/server/host_check.h"
#include "web/server/message.h"
#include "web/server/query.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input(data, size);
  const std::string_view text = input.text();
  static const engine::FleetStatus fleet = [] {
    engine::FleetStatus made;
    for (int i = 0; i < 20; ++i) {
      auto client = std::make_shared<engine::ClientStatus>();
      client->client_id = "id" + std::to_string(10 + i);
      client->state = static_cast<engine::ClientState>(i % static_cast<int>(web::kClientStates));
      made.clients.push_back(std::move(client));
    }
    return made;
  }();
  static_cast<void>(web::parse_query(text));
  if (auto query = web::parse_client_query(text)) {
    MUST(!query->limit || (*query->limit >= 1 && *query->limit <= web::kLimitMax));
    const web::Selection found = web::select_clients(fleet, *query);
    MUST(found.clients.size() <= found.matching && found.matching <= fleet.clients.size());
  }
  static_cast<void>(web::etag_matches(text, "\"1-2\""));
  if (web::names_loopback(text)) MUST(text.find_first_of("/@ \t") == std::string_view::npos);
  return 0;
}
