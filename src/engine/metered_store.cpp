#include "engine/metered_store.h"

#include <utility>

#include "ltx/header.h"
#include "storage/keys.h"

namespace engine {

namespace {

constexpr std::size_t kGuidLength = 36;

// The client whose objects stand below databases/{GUID}.
std::optional<Guid> client_of(std::string_view key) {
  static const std::string kRoot = storage::replica_path(base::DatabaseId{});
  if (!key.starts_with(kRoot)) return std::nullopt;
  return parse_guid(key.substr(kRoot.size(), kGuidLength));
}

bool is_snapshot(storage::KeyLayout layout, std::string_view key) {
  static const std::string kRoot = storage::replica_path(base::DatabaseId{});
  if (key.size() < kRoot.size() + kGuidLength) return false;
  const auto name = storage::parse_ltx_key(layout, key.substr(0, kRoot.size() + kGuidLength), key);
  return name && name->level == base::kSnapshotLevel;
}

}  // namespace

storage::CallContext MeteredStore::charged(storage::CallContext context, Purpose purpose, std::string_view key) {
  if (!context.observer) context.observer = bill_.charge(purpose, client_of(key));
  return context;
}

void MeteredStore::put(storage::PutRequest request, storage::CallContext context,
                       storage::Callback<storage::PutResult> done) {
  const Purpose by_upkeep = is_snapshot(layout(), request.key.value) ? Purpose::snapshot : Purpose::merge;
  const Purpose purpose = user_ == User::clients ? Purpose::capture : by_upkeep;
  storage::CallContext with_observer = charged(std::move(context), purpose, request.key.value);
  store_.put(std::move(request), std::move(with_observer), std::move(done));
}

void MeteredStore::get(storage::GetRequest request, storage::CallContext context, storage::Callback<base::Bytes> done) {
  // A header alone says whose an object is.
  const bool whole = request.length != ltx::kHeaderSize;
  const Purpose purpose = user_ == User::upkeep && whole ? Purpose::merge : Purpose::recovery;
  storage::CallContext with_observer = charged(std::move(context), purpose, request.key.value);
  store_.get(std::move(request), std::move(with_observer), std::move(done));
}

void MeteredStore::head(base::ObjectKey key, storage::CallContext context,
                        storage::Callback<storage::ObjectHead> done) {
  const Purpose purpose = user_ == User::upkeep ? Purpose::retention : Purpose::recovery;
  storage::CallContext with_observer = charged(std::move(context), purpose, key.value);
  store_.head(std::move(key), std::move(with_observer), std::move(done));
}

void MeteredStore::list(storage::ListRequest request, storage::CallContext context,
                        storage::Callback<storage::ListPage> done) {
  storage::CallContext with_observer = charged(std::move(context), Purpose::recovery, request.prefix);
  store_.list(std::move(request), std::move(with_observer), std::move(done));
}

// A batch has keys of many clients, and is one request.
void MeteredStore::remove(std::vector<base::ObjectKey> keys, storage::CallContext context,
                          storage::Callback<std::vector<storage::RemoveFailure>> done) {
  store_.remove(std::move(keys), charged(std::move(context), Purpose::retention, {}), std::move(done));
}

}  // namespace engine
