// Who may start, cancel and fetch. The dashboard has no login and any local user, or web page, may reach its port; so
// what changes something or hands out data needs a token that only its owner's files tell (decision 0023). A header
// that a page has to set by itself cannot be forged from another site, and neither can a form field it does not know.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/secret.h"
#include "web/server/message.h"

namespace web {

// Equal texts; takes as long for a wrong one as for a nearly right one.
bool equal_in_constant_time(std::string_view a, std::string_view b);

// The token of "Bearer TOKEN"; empty: there is none.
std::string_view bearer_token(std::string_view authorization);

// True if `content_type` is `expected` ("application/json"), with or without parameters.
bool has_media_type(std::string_view content_type, std::string_view expected);

class ApiAccess {
 public:
  // An empty token lets nobody in. `token_file` is named to whoever is refused.
  ApiAccess(base::Secret token, std::string token_file);

  // nullopt: `request` may go on with what it offers as its token. 403 for a foreign Origin, 401 for the token.
  [[nodiscard]] std::optional<Response> refuse(const Request& request, std::string_view offered) const;
  [[nodiscard]] const std::string& token_file() const { return token_file_; }

 private:
  base::Secret token_;
  std::string token_file_;
};

}  // namespace web
