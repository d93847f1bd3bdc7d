// The bill and what the bucket holds, as JSON values for status_json.cpp. Only .cpp files include this.
#pragma once

#include <nlohmann/json.hpp>

#include "engine/status.h"

namespace web {

// {"capture": {"put": 3, ...}, ...}: purposes and kinds with a request only.
nlohmann::ordered_json tally_record(const engine::RequestTally& tally);
nlohmann::ordered_json bill_record(const engine::FleetBill& bill);
nlohmann::ordered_json account_record(const engine::ClientAccount& account);

// "put", "get", "list", "head", "delete".
std::string_view kind_word(storage::RequestKind kind);

}  // namespace web
