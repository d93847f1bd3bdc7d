// What the API takes as a body: bytes to a request, or what is wrong with them, where, and how to mend it.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "web/operations.h"

namespace web {

// {"clientId": "...", "to": "/new/file.db" or "download": true, "at": "..." or "txid": "..."}. A TXID is a text of 16
// hexadecimal digits or a number. Whether client, path and time make sense is for Operations. Errors: invalid.
base::Result<RestoreRequest> parse_restore_request(std::string_view body);
// {"clientId": "..."}
base::Result<std::string> parse_verification_request(std::string_view body);

}  // namespace web
