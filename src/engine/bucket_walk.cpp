#include "engine/bucket_walk.h"

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "engine/backup_clients.h"
#include "engine/bucket_pins.h"
#include "history/generations.h"
#include "storage/keys.h"

namespace engine {
namespace {

constexpr std::string_view kRoot = "databases/";

// "databases/{GUID}/..." to the GUID; empty for anything else.
std::string_view client_of(std::string_view key) {
  if (!key.starts_with(kRoot)) return {};
  key.remove_prefix(kRoot.size());
  const std::string_view id = key.substr(0, key.find('/'));
  return id.size() < key.size() && is_client_id(id) ? id : std::string_view();
}

void sort_in(storage::KeyLayout layout, storage::ObjectInfo&& object, ClientPrefix& client) {
  const std::string replica = storage::replica_path(client.id);
  if (const auto name = storage::parse_ltx_key(layout, replica, object.key.value)) {
    client.files.push_back({*name, std::move(object.key), object.size_bytes, object.last_modified});
  } else if (history::parse_generation_key(replica, object.key.value)) {
    client.generations.push_back(std::move(object));
  } else {
    client.foreign.push_back(std::move(object));
  }
}

base::Result<> list_pages(storage::ObjectStore& store, storage::ListRequest request,
                          const storage::CallContext& context,
                          const std::function<base::Result<>(storage::ObjectInfo&&)>& on_object,
                          const std::function<base::Result<>()>& next_page) {
  for (;;) {
    TRY_ASSIGN(storage::ListPage page, storage::list_and_wait(store, request, context));
    for (storage::ObjectInfo& object : page.objects) TRY(on_object(std::move(object)));
    if (!page.next_start_after) return {};
    if (*page.next_start_after <= request.start_after) {
      return base::fail(base::Category::corrupt, "listing does not advance past " + request.start_after);
    }
    request.start_after = *std::move(page.next_start_after);
    TRY(next_page());
  }
}

}  // namespace

std::uint64_t ClientPrefix::size_bytes() const {
  std::uint64_t bytes = 0;
  for (const history::BackupFile& file : files) bytes += file.size_bytes;
  for (const auto* others : {&generations, &foreign}) {
    for (const storage::ObjectInfo& object : *others) bytes += object.size_bytes;
  }
  return bytes;
}

base::Result<> walk_bucket(storage::ObjectStore& store, const storage::CallContext& context,
                           const BucketVisitor& visitor, std::string start_after) {
  std::optional<ClientPrefix> client;
  std::string told = start_after;
  std::string last = start_after;  // key that was looked at
  const auto tell = [&]() -> base::Result<> {
    if (client) TRY(visitor.client(*client));
    client.reset();
    told = last;
    return {};
  };
  const auto on_object = [&](storage::ObjectInfo&& object) -> base::Result<> {
    const std::string_view id = client_of(object.key.value);
    if (client && client->id.value != id) TRY(tell());
    last = object.key.value;
    if (id.empty()) {
      if (!parse_pin_key(object.key.value)) visitor.foreign(object);
      told = last;
      return {};
    }
    if (!client) client = ClientPrefix{base::DatabaseId{std::string(id)}, {}, {}, {}};
    sort_in(store.layout(), std::move(object), *client);
    return {};
  };
  TRY(list_pages(store, {.prefix = std::string(kRoot), .start_after = std::move(start_after)}, context, on_object,
                 [&] { return visitor.next_page(told); }));
  return tell();
}

base::Result<ClientPrefix> list_client(storage::ObjectStore& store, const base::DatabaseId& id,
                                       const storage::CallContext& context,
                                       const std::function<base::Result<>()>& next_page) {
  ClientPrefix client{id, {}, {}, {}};
  const auto on_object = [&](storage::ObjectInfo&& object) -> base::Result<> {
    sort_in(store.layout(), std::move(object), client);
    return {};
  };
  TRY(list_pages(store, {.prefix = storage::replica_path(id) + "/", .start_after = {}}, context, on_object, next_page));
  return client;
}

}  // namespace engine
