#include "engine/bucket_pins.h"

#include <charconv>
#include <set>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "storage/timestamp.h"

namespace engine {

namespace {

constexpr std::string_view kPrefix = "databases/pins/";
constexpr std::string_view kExtension = ".json";
constexpr std::size_t kTxidDigits = 16;

std::string text_in(const nlohmann::json& json, const char* name) {
  const auto found = json.find(name);
  return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
}

}  // namespace

std::string pin_prefix() {
  return std::string(kPrefix);
}

std::string pin_prefix(const base::DatabaseId& client) {
  return fmt::format("{}{}/", kPrefix, client.value);
}

base::ObjectKey pin_key(const base::DatabaseId& client, base::Txid txid) {
  return base::ObjectKey{fmt::format("{}{}{}", pin_prefix(client), base::hex16(txid.value), kExtension)};
}

base::Bytes encode_pin(const BucketPin& pin) {
  nlohmann::ordered_json json = {{"note", pin.pin.note}, {"made", base::to_rfc3339(pin.made)}};
  if (pin.pin.until) json["until"] = base::to_rfc3339(*pin.pin.until);
  const std::string text = json.dump(1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
  const auto bytes = base::as_bytes(text);
  return {bytes.begin(), bytes.end()};
}

std::optional<BucketPin> parse_pin_key(std::string_view key) {
  if (!key.starts_with(kPrefix) || !key.ends_with(kExtension)) return std::nullopt;
  key.remove_prefix(kPrefix.size());
  key.remove_suffix(kExtension.size());
  const std::size_t slash = key.find('/');
  if (slash == 0 || slash == std::string_view::npos) return std::nullopt;
  const std::string_view digits = key.substr(slash + 1);
  std::uint64_t txid = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), txid, 16);
  if (digits.size() != kTxidDigits || error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  BucketPin pin;
  pin.client.value = key.substr(0, slash);
  pin.pin.txid = base::Txid{txid};
  return pin;
}

BucketPin decode_pin(BucketPin named, base::ByteView bytes) {
  const auto json = nlohmann::json::parse(bytes.begin(), bytes.end(), nullptr, false);
  if (!json.is_object()) return named;
  named.pin.note = text_in(json, "note");
  named.made = storage::parse_rfc3339(text_in(json, "made")).value_or(base::UnixMillis{0});
  named.pin.until = storage::parse_rfc3339(text_in(json, "until"));
  return named;
}

base::Result<std::vector<BucketPin>> read_pins(storage::ObjectStore& store, const std::string& prefix) {
  TRY_ASSIGN(const auto objects, storage::list_all_and_wait(store, prefix));
  std::vector<BucketPin> pins;
  for (const storage::ObjectInfo& object : objects) {
    auto named = parse_pin_key(object.key.value);
    if (!named) continue;
    const auto bytes = storage::get_and_wait(store, {object.key, 0, std::nullopt});
    if (!bytes && bytes.error().category == base::Category::not_found) continue;  // taken away meanwhile
    if (!bytes) return base::fail(bytes.error());
    pins.push_back(decode_pin(std::move(*named), *bytes));
  }
  return pins;
}

base::Result<> store_pin(storage::ObjectStore& store, const BucketPin& pin) {
  storage::PutRequest request;
  request.key = pin_key(pin.client, pin.pin.txid);
  request.body = std::make_shared<storage::MemoryBody>(encode_pin(pin));
  request.on_existing = storage::OnExisting::overwrite;
  request.litestream_timestamp = pin.made;
  TRY(storage::put_and_wait(store, std::move(request)));
  return {};
}

std::vector<history::Pin> PinBook::of(const base::DatabaseId& client) const {
  const std::string prefix = pin_prefix(client);
  std::vector<history::Pin> pins;
  for (auto at = entries.lower_bound(prefix); at != entries.end() && at->first.starts_with(prefix); ++at) {
    pins.push_back(at->second.pin.pin);
  }
  return pins;
}

std::vector<base::DatabaseId> PinBook::changed(const PinBook& now) const {
  std::set<std::string> ids;
  const auto differs = [](const std::map<std::string, Entry>& others, const std::string& key, const Entry& entry) {
    const auto found = others.find(key);
    return found == others.end() || found->second.size_bytes != entry.size_bytes ||
           found->second.last_modified != entry.last_modified;
  };
  for (const auto& [key, entry] : entries) {
    if (differs(now.entries, key, entry)) ids.insert(entry.pin.client.value);
  }
  for (const auto& [key, entry] : now.entries) {
    if (differs(entries, key, entry)) ids.insert(entry.pin.client.value);
  }
  std::vector<base::DatabaseId> clients;
  clients.reserve(ids.size());
  for (const std::string& id : ids) clients.emplace_back(id);
  return clients;
}

}  // namespace engine
