// Defence against DNS rebinding: a page from anywhere can make a browser resolve its own name to 127.0.0.1 and then
// read what a server on this machine answers. The browser still sends the page's name as Host, so a server that listens
// on loopback only answers requests for the names of loopback.
#pragma once

#include <string_view>

namespace web {

// `host` is the Host header: localhost, 127.0.0.1 or [::1], in any case, with any port or none.
bool names_loopback(std::string_view host);

}  // namespace web
