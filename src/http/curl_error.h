// What a libcurl result means for the caller. The only place that knows CURLcode values.
#pragma once

#include <curl/curl.h>

#include "base/error.h"

namespace http {

// For codes other than CURLE_OK. Unknown codes count as passing trouble of the network: retries are bounded, and a
// wrong "never" would stop a backup.
base::Category category_of(CURLcode code);

}  // namespace http
