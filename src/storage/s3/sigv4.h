// AWS Signature Version 4 for S3, header form, single chunk. Pure: time and credentials are arguments.
//
// The signature is built in four steps (names as in the AWS documentation), each a function so that tests can compare
// them with the published examples:
//
//   canonical request   method \n path \n query \n headers \n signed header names \n payload hash
//   string to sign      "AWS4-HMAC-SHA256" \n time \n scope \n SHA-256 of the canonical request
//   signing key         HMAC chain over date, region, service, "aws4_request"
//   Authorization       "AWS4-HMAC-SHA256 Credential=..., SignedHeaders=..., Signature=..."
//
// S3's own rules: the path is encoded once and dot segments stay; the payload hash is also a header.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "storage/s3/credentials.h"

namespace storage::s3 {

// Name and value, both not encoded.
using QueryParameters = std::vector<std::pair<std::string, std::string>>;
using HeaderList = std::vector<std::pair<std::string, std::string>>;

struct SigningInput {
  std::string_view method;        // "GET"
  std::string_view encoded_path;  // as it goes on the wire: "/bucket/a%20b"
  const QueryParameters& query;
  // Everything that is to be signed: host, x-amz-content-sha256, x-amz-date and whatever else is sent. Names in lower
  // case.
  const HeaderList& headers;
  std::string_view payload_sha256_hex;
};

// "20130524T000000Z" in UTC.
std::string amz_time(base::UnixMillis time);

// Parameters encoded and sorted as the signature wants them; also what is sent, so that no proxy or server can see
// another order. A parameter without value becomes "name=".
std::string canonical_query(const QueryParameters& query);
std::string canonical_request(const SigningInput& input);
std::string string_to_sign(std::string_view canonical_request, base::UnixMillis time, std::string_view region);
std::string signature(std::string_view string_to_sign, const Credentials& credentials, base::UnixMillis time,
                      std::string_view region);
// Value of the Authorization header.
std::string authorization(const SigningInput& input, const Credentials& credentials, base::UnixMillis time,
                          std::string_view region);

}  // namespace storage::s3
