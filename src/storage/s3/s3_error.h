// What an S3 server's refusal means for the caller: the one place that knows provider codes.
#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"
#include "http/transfer.h"

namespace storage::s3 {

// The parts of an <Error> document; empty where it does not say.
struct S3ErrorBody {
  std::string code;
  std::string message;
  std::string region;    // where the bucket is, if the server tells
  std::string endpoint;  // where to go instead, if the server tells
};
S3ErrorBody parse_error_body(base::ByteView body);

// Decides by the code; by the status where the code is empty (HEAD has no body) or unknown.
base::Category category_of(int status, std::string_view code);

// A whole answer that is not 2xx (or a 2xx that carries an <Error>). `operation` is for people: "put a/b". `our_region`
// is named beside the region that the server expects. `now` is our clock, for skew and Retry-After dates.
base::Error error_of(const http::Response& response, std::string_view operation, std::string_view our_region,
                     base::UnixMillis now);

}  // namespace storage::s3
