#include "storage/s3/s3_error.h"

#include <algorithm>

#include <fmt/format.h>
#include <pugixml.hpp>

#include "http/date.h"

namespace storage::s3 {

namespace {

using base::Category;

struct CodeMeaning {
  std::string_view code;
  Category category;
};

constexpr CodeMeaning kCodes[] = {
    {"NoSuchKey", Category::not_found},
    {"NotFound", Category::not_found},
    // Not "absent": an absent bucket must not look like an empty one.
    {"NoSuchBucket", Category::invalid},
    // Somebody (a lifecycle rule, another process) has ended the upload; a new one may do.
    {"NoSuchUpload", Category::retry_later},
    {"PreconditionFailed", Category::conflict},
    {"ConditionalRequestConflict", Category::conflict},
    {"OperationAborted", Category::retry_later},
    {"AccessDenied", Category::denied},
    {"AccountProblem", Category::denied},
    {"AllAccessDisabled", Category::denied},
    {"ExpiredToken", Category::denied},
    {"InvalidAccessKeyId", Category::denied},
    {"InvalidToken", Category::denied},
    {"QuotaExceeded", Category::denied},
    {"RequestTimeTooSkewed", Category::denied},
    {"SignatureDoesNotMatch", Category::denied},
    {"TokenRefreshRequired", Category::denied},
    {"UserSuspended", Category::denied},
    {"SlowDown", Category::throttled},
    {"ServiceUnavailable", Category::throttled},
    {"Throttling", Category::throttled},
    {"ThrottlingException", Category::throttled},
    {"RequestLimitExceeded", Category::throttled},
    {"TooManyRequests", Category::throttled},
    {"InternalError", Category::retry_later},
    {"RequestTimeout", Category::retry_later},
    // Bytes changed on their way: sent again they may arrive whole.
    {"BadDigest", Category::retry_later},
    {"IncompleteBody", Category::retry_later},
    {"XAmzContentSHA256Mismatch", Category::retry_later},
    {"AuthorizationHeaderMalformed", Category::invalid},
    {"IllegalLocationConstraintException", Category::invalid},
    {"InvalidRange", Category::invalid},
    {"PermanentRedirect", Category::invalid},
    {"TemporaryRedirect", Category::invalid},
    {"NotImplemented", Category::unsupported},
    {"MethodNotAllowed", Category::unsupported},
    {"EntityTooLarge", Category::unsupported},
};

Category category_of_status(int status) {
  switch (status) {
    case 401:
    case 403:
      return Category::denied;
    case 404:
      return Category::not_found;
    case 405:
    case 501:
      return Category::unsupported;
    case 408:
      return Category::retry_later;
    case 409:
    case 412:
      return Category::conflict;
    case 429:
    case 503:
      return Category::throttled;
    default:
      break;
  }
  if (status >= 500) return Category::retry_later;
  if (status >= 300) return Category::invalid;
  // A success that carries an error: CompleteMultipartUpload begins its answer before it knows its end.
  return Category::retry_later;
}

std::string skew_advice(const http::Response& response, base::UnixMillis now) {
  const auto server_time = http::parse_http_date(response.header("date"));
  if (!server_time) return "; set this machine's clock";
  const auto ahead = std::chrono::duration_cast<std::chrono::seconds>(now - *server_time).count();
  return fmt::format("; set this machine's clock: it is {} s {} the server's", std::abs(ahead),
                     ahead < 0 ? "behind" : "ahead of");
}

std::string advice(const http::Response& response, const S3ErrorBody& body, std::string_view our_region,
                   base::UnixMillis now) {
  if (body.code == "RequestTimeTooSkewed") return skew_advice(response, now);
  if (body.code == "NoSuchBucket") return "; create the bucket or correct its name";
  std::string region(response.header("x-amz-bucket-region"));
  if (region.empty()) region = body.region;
  if (!region.empty() && region != our_region) {
    return fmt::format("; the bucket is in region {}, we asked in {}: set AWS_REGION={}", region, our_region, region);
  }
  if (!body.endpoint.empty()) return fmt::format("; the server says to use endpoint {}", body.endpoint);
  return {};
}

}  // namespace

S3ErrorBody parse_error_body(base::ByteView body) {
  pugi::xml_document document;
  if (!document.load_buffer(body.data(), body.size())) return {};
  const pugi::xml_node error = document.child("Error");
  const auto text = [&](const char* name) { return std::string(error.child_value(name)); };
  return {text("Code"), text("Message"), text("Region"), text("Endpoint")};
}

base::Category category_of(int status, std::string_view code) {
  const auto found = std::ranges::find(kCodes, code, &CodeMeaning::code);
  return found == std::end(kCodes) ? category_of_status(status) : found->category;
}

base::Error error_of(const http::Response& response, std::string_view operation, std::string_view our_region,
                     base::UnixMillis now) {
  const S3ErrorBody body = parse_error_body(response.body);
  base::Error error;
  error.category = category_of(response.status, body.code);
  error.message = fmt::format("{}: HTTP {}", operation, response.status);
  if (!body.code.empty()) error.message += " " + body.code;
  if (!body.message.empty()) error.message += ": " + body.message;
  error.message += advice(response, body, our_region, now);
  if (base::is_transient(error.category)) {
    error.retry_after = http::parse_retry_after(response.header("retry-after"), now);
  }
  return error;
}

}  // namespace storage::s3
