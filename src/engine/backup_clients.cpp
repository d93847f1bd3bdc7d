#include "engine/backup_clients.h"

#include <algorithm>
#include <string>
#include <string_view>

namespace engine {
namespace {

constexpr std::string_view kRoot = "databases/";
constexpr std::size_t kIdLength = 36;

// "databases/{GUID}/..." to the GUID; empty for anything else.
std::string_view client_of(std::string_view key) {
  if (!key.starts_with(kRoot)) return {};
  key.remove_prefix(kRoot.size());
  if (key.size() <= kIdLength || key[kIdLength] != '/' || !is_client_id(key.substr(0, kIdLength))) return {};
  return key.substr(0, kIdLength);
}

}  // namespace

bool is_client_id(std::string_view text) {
  if (text.size() != kIdLength) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    const char c = text[i];
    const bool digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    if (dash ? c != '-' : !digit) return false;
  }
  return true;
}

base::Result<std::vector<BackedUpClient>> list_backed_up_clients(storage::ObjectStore& store,
                                                                 const storage::CallContext& context) {
  std::vector<BackedUpClient> clients;
  std::string start_after;
  for (;;) {
    TRY_ASSIGN(const storage::ListPage page, storage::list_and_wait(store, {std::string(kRoot), start_after}, context));
    for (const storage::ObjectInfo& object : page.objects) {
      const std::string_view id = client_of(object.key.value);
      if (id.empty()) continue;
      if (clients.empty() || clients.back().id.value != id)
        clients.push_back({.id = base::DatabaseId{std::string(id)}});
      BackedUpClient& client = clients.back();
      client.size_bytes += object.size_bytes;
      ++client.objects;
      client.newest = std::max(client.newest, object.last_modified);
    }
    if (!page.next_start_after) return clients;
    start_after = *page.next_start_after;
    if (page.objects.empty()) continue;
    const std::string_view first = client_of(page.objects.front().key.value);
    const std::string_view last = client_of(page.objects.back().key.value);
    // '0' follows '/': behind everything of this client.
    if (!first.empty() && first == last) start_after = std::string(kRoot) + std::string(first) + "0";
  }
}

}  // namespace engine
