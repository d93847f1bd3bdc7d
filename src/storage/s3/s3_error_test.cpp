#include "storage/s3/s3_error.h"

#include <gtest/gtest.h>

namespace storage::s3 {
namespace {

using base::Category;

http::Response answer(int status, std::string_view body = "", std::map<std::string, std::string> headers = {}) {
  http::Response response;
  response.status = status;
  response.headers = std::move(headers);
  response.body.assign(body.begin(), body.end());
  return response;
}

constexpr base::UnixMillis kNow = std::chrono::seconds(1'763'843'897);  // Sat, 22 Nov 2025 20:38:17 GMT

TEST(S3Error, MeansForTheCallerWhatTheTableSays) {
  struct Case {
    int status;
    const char* code;
    Category expected;
  };
  const Case cases[] = {
      {404, "NoSuchKey", Category::not_found},
      {404, "", Category::not_found},
      {404, "NoSuchBucket", Category::invalid},
      {404, "NoSuchUpload", Category::retry_later},
      {412, "PreconditionFailed", Category::conflict},
      {412, "", Category::conflict},
      {409, "ConditionalRequestConflict", Category::conflict},
      {409, "OperationAborted", Category::retry_later},
      {403, "AccessDenied", Category::denied},
      {403, "", Category::denied},
      {403, "RequestTimeTooSkewed", Category::denied},
      {403, "SignatureDoesNotMatch", Category::denied},
      {403, "QuotaExceeded", Category::denied},
      {400, "ExpiredToken", Category::denied},
      {401, "", Category::denied},
      {503, "SlowDown", Category::throttled},
      {503, "", Category::throttled},
      {429, "", Category::throttled},
      {429, "SomethingNew", Category::throttled},
      {500, "InternalError", Category::retry_later},
      {502, "", Category::retry_later},
      {504, "", Category::retry_later},
      {500, "SlowDown", Category::throttled},
      {400, "RequestTimeout", Category::retry_later},
      {400, "XAmzContentSHA256Mismatch", Category::retry_later},
      {400, "BadDigest", Category::retry_later},
      {200, "InternalError", Category::retry_later},
      {200, "SomethingNew", Category::retry_later},
      {301, "PermanentRedirect", Category::invalid},
      {307, "TemporaryRedirect", Category::invalid},
      {400, "AuthorizationHeaderMalformed", Category::invalid},
      {400, "SomethingNew", Category::invalid},
      {416, "InvalidRange", Category::invalid},
      {501, "NotImplemented", Category::unsupported},
      {405, "MethodNotAllowed", Category::unsupported},
      {400, "EntityTooLarge", Category::unsupported},
  };
  for (const auto& c : cases) EXPECT_EQ(category_of(c.status, c.code), c.expected) << c.status << " " << c.code;
}

TEST(S3Error, SaysOperationStatusCodeAndMessage) {
  const auto error = error_of(answer(403,
                                     "<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code>"
                                     "<Message>No &lt;way&gt;</Message></Error>"),
                              "put a/b", "us-east-1", kNow);
  EXPECT_EQ(error.category, Category::denied);
  EXPECT_EQ(error.message, "put a/b: HTTP 403 AccessDenied: No <way>");
}

TEST(S3Error, BearsWithAnswersThatAreNoErrorDocument) {
  for (const char* body : {"", "<html><body>Bad gateway", "Service Unavailable", "<Error/>", "\xff\xfe"}) {
    const auto error = error_of(answer(502, body), "get k", "us-east-1", kNow);
    EXPECT_EQ(error.category, Category::retry_later);
    EXPECT_EQ(error.message, "get k: HTTP 502");
  }
}

TEST(S3Error, NamesTheRegionThatTheServerExpects) {
  const std::pair<http::Response, const char*> cases[] = {
      {answer(400, "<Error><Code>AuthorizationHeaderMalformed</Code><Region>eu-west-1</Region></Error>"),
       "the bucket is in region eu-west-1, we asked in us-east-1: set AWS_REGION=eu-west-1"},
      {answer(301, "", {{"x-amz-bucket-region", "eu-west-1"}}), "set AWS_REGION=eu-west-1"},
      {answer(301, "<Error><Code>PermanentRedirect</Code><Endpoint>b.s3.example.com</Endpoint></Error>"),
       "use endpoint b.s3.example.com"},
      {answer(404, "<Error><Code>NoSuchBucket</Code></Error>"), "create the bucket"},
  };
  for (const auto& [response, expected] : cases) {
    const auto error = error_of(response, "list", "us-east-1", kNow);
    EXPECT_EQ(error.category, Category::invalid);
    EXPECT_NE(error.message.find(expected), std::string::npos) << error.message;
  }
}

TEST(S3Error, TellsByHowMuchOurClockIsWrong) {
  const char* body = "<Error><Code>RequestTimeTooSkewed</Code></Error>";
  const auto behind = error_of(answer(403, body, {{"date", "Sat, 22 Nov 2025 21:38:17 GMT"}}), "put k", "", kNow);
  EXPECT_NE(behind.message.find("3600 s behind the server's"), std::string::npos) << behind.message;
  const auto ahead = error_of(answer(403, body, {{"date", "Sat, 22 Nov 2025 20:08:17 GMT"}}), "put k", "", kNow);
  EXPECT_NE(ahead.message.find("1800 s ahead of the server's"), std::string::npos) << ahead.message;
}

TEST(S3Error, HandsOnHowLongTheServerWantsUsToWait) {
  EXPECT_EQ(error_of(answer(503, "", {{"retry-after", "7"}}), "put", "", kNow).retry_after, std::chrono::seconds(7));
  EXPECT_EQ(error_of(answer(429, "", {{"retry-after", "Sat, 22 Nov 2025 20:38:27 GMT"}}), "put", "", kNow).retry_after,
            std::chrono::seconds(10));
  EXPECT_EQ(error_of(answer(503, ""), "put", "", kNow).retry_after, std::nullopt);
  EXPECT_EQ(error_of(answer(403, "", {{"retry-after", "7"}}), "put", "", kNow).retry_after, std::nullopt);
}

}  // namespace
}  // namespace storage::s3
