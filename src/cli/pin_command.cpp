#include "cli/pin_command.h"

#include <cstdio>
#include <map>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/bytes.h"
#include "cli/open_store.h"
#include "engine/backup_listing.h"
#include "engine/bucket_pins.h"
#include "engine/restore_choice.h"
#include "storage/keys.h"

namespace cli {
namespace {

using base::Category;
using base::fail;
using base::Result;
using engine::BucketPin;

struct Listed {
  BucketPin pin;
  bool restorable = false;
};

// One listing for each client.
Result<std::vector<Listed>> look_at(storage::ObjectStore& store, std::vector<BucketPin> pins) {
  std::map<std::string, std::vector<history::BackupFile>> files;
  std::vector<Listed> listed;
  for (BucketPin& pin : pins) {
    const auto [known, is_new] = files.try_emplace(pin.client.value);
    if (is_new) {
      TRY_ASSIGN(auto backup, engine::list_backup(store, storage::replica_path(pin.client), {}));
      known->second = std::move(backup.files);
    }
    const bool restorable = history::plan_restore(known->second, {pin.pin.txid, std::nullopt}).has_value();
    listed.push_back({std::move(pin), restorable});
  }
  return listed;
}

std::string until_text(const BucketPin& pin) {
  return pin.pin.until ? base::to_rfc3339(*pin.pin.until) : "for good";
}

// A note is another person's text: no control characters reach a terminal.
std::string printable(std::string_view note) {
  std::string text;
  for (const char c : note) text += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c;
  return text;
}

std::string text_of(const Listed& listed) {
  const BucketPin& pin = listed.pin;
  return fmt::format("{}  {}  {}  {}{}\n", pin.client.value, base::hex16(pin.pin.txid.value), until_text(pin),
                     listed.restorable ? "" : "[CANNOT BE RESTORED] ", printable(pin.pin.note));
}

nlohmann::ordered_json json_of(const Listed& listed) {
  const BucketPin& pin = listed.pin;
  nlohmann::ordered_json json = {{"clientId", pin.client.value},
                                 {"txid", base::hex16(pin.pin.txid.value)},
                                 {"made", base::to_rfc3339(pin.made)},
                                 {"until", nullptr},
                                 {"note", pin.pin.note},
                                 {"restorable", listed.restorable}};
  if (pin.pin.until) json["until"] = base::to_rfc3339(*pin.pin.until);
  return json;
}

std::string report(const std::vector<Listed>& pins, const PinRequest& request) {
  std::string text;
  if (request.json) {
    auto json = nlohmann::ordered_json::array();
    for (const Listed& one : pins) json.push_back(json_of(one));
    return json.dump(1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
  }
  for (const Listed& one : pins) text += text_of(one);
  return text.empty() ? "no pins\n" : text;
}

Result<std::string> list(storage::ObjectStore& store, const PinRequest& request) {
  const base::DatabaseId client{request.client};
  TRY_ASSIGN(auto pins,
             engine::read_pins(store, client.value.empty() ? engine::pin_prefix() : engine::pin_prefix(client)));
  TRY_ASSIGN(const auto listed, look_at(store, std::move(pins)));
  return report(listed, request);
}

Result<std::string> pin(storage::ObjectStore& store, const PinRequest& request) {
  const base::DatabaseId client{request.client};
  const std::string replica = storage::replica_path(client);
  TRY_ASSIGN(const auto choice, engine::choose_restore(store, replica, request.target, {}, {}));
  if (choice.plan.empty())
    return fail(Category::unsupported, "backups of Litestream 0.3 have no TXID that could be pinned");
  const BucketPin made{
      client, {choice.plan.back().name.max, request.until, request.note}, base::system_clock().unix_now()};
  TRY(engine::store_pin(store, made));
  // Retention may have been removing that very point: what stands now stays.
  const history::RestoreTarget again{made.pin.txid, std::nullopt};
  const auto stands = engine::choose_restore(store, replica, again, {}, {});
  if (!stands) {
    if (stands.error().category == Category::not_found) {
      const auto removed = storage::remove_and_wait(store, {engine::pin_key(client, made.pin.txid)});
      if (!removed)
        return fail(removed.error().with_context("not pinned, and what was begun of the pin stays: unpin it"));
    }
    return fail(stands.error().with_context("not pinned"));
  }
  return report({{made, true}}, request);
}

Result<std::string> unpin(storage::ObjectStore& store, const PinRequest& request) {
  const base::DatabaseId client{request.client};
  TRY_ASSIGN(auto pins, engine::read_pins(store, engine::pin_prefix(client)));
  std::vector<base::ObjectKey> keys;
  std::vector<Listed> taken;
  for (BucketPin& one : pins) {
    if (!request.all && one.pin.txid != request.target.txid) continue;
    keys.push_back(engine::pin_key(client, one.pin.txid));
    taken.push_back({std::move(one), true});
  }
  if (keys.empty()) return fail(Category::not_found, "there is no such pin; \"pins " + client.value + "\" lists them");
  TRY_ASSIGN(const auto failures, storage::remove_and_wait(store, keys));
  if (!failures.empty()) return fail(failures.front().error.with_context(failures.front().key.value));
  return report(taken, request);
}

Result<std::string> run(const PinRequest& request) {
  TRY_ASSIGN(const auto store, open_store(request.store));
  switch (request.what) {
    case PinRequest::What::pin:
      return pin(*store, request);
    case PinRequest::What::unpin:
      return unpin(*store, request);
    case PinRequest::What::list:
      break;
  }
  return list(*store, request);
}

}  // namespace

ExitCode run_pins(const PinRequest& request) {
  const auto text = run(request);
  if (text)
    return std::fputs(text->c_str(), stdout) >= 0 && std::fflush(stdout) == 0 ? ExitCode::done : ExitCode::failed;
  std::fputs(fmt::format("litestream-manager: {}\n", text.error().message).c_str(), stderr);
  return exit_code_for(text.error().category);
}

}  // namespace cli
