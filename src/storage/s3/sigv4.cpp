#include "storage/s3/sigv4.h"

#include <algorithm>
#include <ctime>

#include <fmt/format.h>

#include "http/url.h"
#include "storage/s3/digest.h"

namespace storage::s3 {

namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";

std::string_view trim(std::string_view text) {
  const std::size_t first = text.find_first_not_of(' ');
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

// Runs of blanks inside a value count as one.
std::string collapse_blanks(std::string_view text) {
  std::string result;
  for (const char c : trim(text)) {
    if (c != ' ' || !result.ends_with(' ')) result.push_back(c);
  }
  return result;
}

HeaderList sorted(const HeaderList& headers) {
  HeaderList result = headers;
  std::ranges::sort(result, {}, &HeaderList::value_type::first);
  return result;
}

std::string signed_names(const HeaderList& sorted_headers) {
  std::string names;
  for (const auto& [name, value] : sorted_headers) {
    if (!names.empty()) names.push_back(';');
    names += name;
  }
  return names;
}

std::string scope(base::UnixMillis time, std::string_view region) {
  return fmt::format("{}/{}/s3/aws4_request", amz_time(time).substr(0, 8), region);
}

}  // namespace

std::string amz_time(base::UnixMillis time) {
  const auto seconds = static_cast<std::time_t>(std::chrono::floor<std::chrono::seconds>(time).count());
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  return fmt::format("{:04}{:02}{:02}T{:02}{:02}{:02}Z", utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday, utc.tm_hour,
                     utc.tm_min, utc.tm_sec);
}

std::string canonical_query(const QueryParameters& query) {
  QueryParameters encoded;
  for (const auto& [name, value] : query) {
    encoded.emplace_back(http::percent_encode(name, http::Slash::encode),
                         http::percent_encode(value, http::Slash::encode));
  }
  std::ranges::sort(encoded);
  std::string text;
  for (const auto& [name, value] : encoded) {
    if (!text.empty()) text.push_back('&');
    text.append(name).append("=").append(value);
  }
  return text;
}

std::string canonical_request(const SigningInput& input) {
  const HeaderList headers = sorted(input.headers);
  std::string lines;
  for (const auto& [name, value] : headers) lines += fmt::format("{}:{}\n", name, collapse_blanks(value));
  return fmt::format("{}\n{}\n{}\n{}\n{}\n{}", input.method, input.encoded_path, canonical_query(input.query), lines,
                     signed_names(headers), input.payload_sha256_hex);
}

std::string string_to_sign(std::string_view canonical_request, base::UnixMillis time, std::string_view region) {
  return fmt::format("{}\n{}\n{}\n{}", kAlgorithm, amz_time(time), scope(time, region),
                     sha256_hex(base::as_bytes(canonical_request)));
}

std::string signature(std::string_view string_to_sign, const Credentials& credentials, base::UnixMillis time,
                      std::string_view region) {
  const std::string secret = "AWS4" + credentials.secret_access_key.reveal();
  const std::string date = amz_time(time).substr(0, 8);
  Sha256Digest key = hmac_sha256(base::as_bytes(secret), base::as_bytes(date));
  for (const std::string_view step : {region, std::string_view("s3"), std::string_view("aws4_request")}) {
    key = hmac_sha256(key, base::as_bytes(step));
  }
  return base::to_hex(hmac_sha256(key, base::as_bytes(string_to_sign)));
}

std::string authorization(const SigningInput& input, const Credentials& credentials, base::UnixMillis time,
                          std::string_view region) {
  const std::string to_sign = string_to_sign(canonical_request(input), time, region);
  return fmt::format("{} Credential={}/{}, SignedHeaders={}, Signature={}", kAlgorithm, credentials.access_key_id,
                     scope(time, region), signed_names(sorted(input.headers)),
                     signature(to_sign, credentials, time, region));
}

}  // namespace storage::s3
