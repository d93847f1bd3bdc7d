// Multipart uploads against servers that misbehave. The store sends one request at a time here, because the scripted
// server serves one connection at a time; side by side they run in tests/conformance.
#include "storage/s3/multipart_upload.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "storage/s3/s3_store.h"
#include "storage/testing.h"
#include "support/scripted_http.h"

namespace storage::s3 {
namespace {

using base::Category;
using test_support::ScriptedAnswer;
using test_support::ScriptedHttpServer;
using namespace std::chrono_literals;

constexpr std::uint64_t kSize = kMultipartAboveBytes + 1;  // nine parts, the last of one byte
constexpr std::size_t kParts = 9;

class ZeroBody final : public Body {
 public:
  [[nodiscard]] std::uint64_t size_bytes() const override { return kSize; }
  base::Result<> read_at(std::uint64_t, base::MutableByteView out) const override {
    std::ranges::fill(out, std::uint8_t{0});
    return {};
  }
};

ScriptedAnswer plain(int status, std::string body = "") {
  return {.status = status, .headers = {{"ETag", "\"e\""}}, .body = std::move(body)};
}
ScriptedAnswer created() {
  return plain(200, "<InitiateMultipartUploadResult><UploadId>U</UploadId></InitiateMultipartUploadResult>");
}
ScriptedAnswer completed() {
  return plain(200, "<CompleteMultipartUploadResult><ETag></ETag></CompleteMultipartUploadResult>");
}

base::Result<PutResult> upload(const ScriptedHttpServer& server, OnExisting on_existing, CallContext context = {}) {
  S3StoreConfig config;
  config.target = {
      .endpoint = http::parse_url(server.url()).value(), .bucket = "bkt", .region = "r", .path_style = true};
  config.credentials = std::make_shared<FixedCredentials>(Credentials{"KEYID", base::Secret("s"), {}});
  config.transfer.limits.in_flight_max = 1;
  config.part_retry = {.base_delay = 1ms, .delay_max = 2ms, .give_up_after = 5s};
  S3Store store(std::move(config));
  return put_and_wait(store,
                      {.key = base::ObjectKey{"k"},
                       .body = std::make_shared<ZeroBody>(),
                       .on_existing = on_existing,
                       .litestream_timestamp = 1'763'843'897'498ms},
                      std::move(context));
}

std::vector<std::string> lines_of(const ScriptedHttpServer& server) {
  std::vector<std::string> lines;
  for (const auto& seen : server.requests()) lines.push_back(seen.method + " " + seen.target);
  return lines;
}

TEST(MultipartUpload, SendsPartsAndRepeatsOnlyTheOneThatFailed) {
  std::vector<ScriptedAnswer> script(2 + kParts + 1, plain(200));
  script[0] = created();
  script[2] = plain(503);
  script.back() = completed();
  const ScriptedHttpServer server(script);
  const auto observer = std::make_shared<testing::CountingObserver>();
  const auto stored = upload(server, OnExisting::overwrite, {{}, {}, observer});
  ASSERT_TRUE(stored) << stored.error().message;
  EXPECT_EQ(stored->etag, "") << "some servers give none here, and the object is stored all the same";

  const auto seen = server.requests();
  ASSERT_EQ(seen.size(), script.size());
  EXPECT_EQ(seen.front().target, "/bkt/k?uploads=");
  EXPECT_EQ(seen.front().headers.at("x-amz-meta-litestream-timestamp"), "2025-11-22T20:38:17.498Z");
  EXPECT_EQ(seen.front().headers.at("content-type"), "application/octet-stream");
  std::map<std::string, std::size_t> bytes;
  std::size_t part_requests = 0;
  for (const auto& request : seen) {
    if (request.method != "PUT") continue;
    ++part_requests;
    bytes[request.target] = request.body.size();
  }
  EXPECT_EQ(part_requests, kParts + 1);
  ASSERT_EQ(bytes.size(), kParts);
  for (std::size_t part = 1; part <= kParts; ++part) {
    EXPECT_EQ(bytes.at("/bkt/k?partNumber=" + std::to_string(part) + "&uploadId=U"), part < kParts ? kPartBytes : 1U);
  }
  EXPECT_EQ(seen.back().target, "/bkt/k?uploadId=U");
  EXPECT_EQ(observer->heard().of(RequestKind::put), script.size()) << "each of them is billed";
  EXPECT_GE(observer->heard().sent, kSize + kPartBytes) << "one part went out twice";
}

TEST(MultipartUpload, LooksBeforeItCreatesAndAsksAgainAtTheEnd) {
  std::vector<ScriptedAnswer> script(2 + kParts + 1, plain(200));
  script[0] = plain(404);
  script[1] = created();
  script.back() = completed();
  const ScriptedHttpServer server(script);
  ASSERT_TRUE(upload(server, OnExisting::fail_with_conflict));
  EXPECT_EQ(server.requests().front().method, "HEAD");
  EXPECT_EQ(server.requests().back().headers.at("if-none-match"), "*");
}

TEST(MultipartUpload, SendsNothingWhenTheObjectExists) {
  const ScriptedHttpServer server({plain(200)});
  EXPECT_EQ(upload(server, OnExisting::fail_with_conflict).error().category, Category::conflict);
  EXPECT_EQ(lines_of(server), std::vector<std::string>{"HEAD /bkt/k"});
}

TEST(MultipartUpload, IsAbortedWhenAPartIsRefused) {
  const ScriptedHttpServer server({created(), plain(403), plain(204)});
  const auto observer = std::make_shared<testing::CountingObserver>();
  EXPECT_EQ(upload(server, OnExisting::overwrite, {{}, {}, observer}).error().category, Category::denied);
  EXPECT_EQ(observer->heard().of(RequestKind::put), 2U);
  EXPECT_EQ(observer->heard().of(RequestKind::remove), 1U) << "an abort costs nothing";
  EXPECT_EQ(lines_of(server), (std::vector<std::string>{"POST /bkt/k?uploads=", "PUT /bkt/k?partNumber=1&uploadId=U",
                                                        "DELETE /bkt/k?uploadId=U"}));
}

TEST(MultipartUpload, IsAbortedWhenCompletingFails) {
  const std::pair<ScriptedAnswer, Category> cases[] = {
      {plain(412, "<Error><Code>PreconditionFailed</Code></Error>"), Category::conflict},
      {plain(200, "<Error><Code>InternalError</Code></Error>"), Category::retry_later},
  };
  for (const auto& [answer, expected] : cases) {
    std::vector<ScriptedAnswer> script(1 + kParts + 2, plain(200));
    script[0] = created();
    script[1 + kParts] = answer;
    const ScriptedHttpServer server(script);
    EXPECT_EQ(upload(server, OnExisting::overwrite).error().category, expected);
    EXPECT_EQ(lines_of(server).back(), "DELETE /bkt/k?uploadId=U");
  }
}

TEST(MultipartUpload, TellsItsOwnFailureAlsoWhenTheAbortFails) {
  const ScriptedHttpServer server({created(), plain(403), plain(500)});
  EXPECT_EQ(upload(server, OnExisting::overwrite).error().category, Category::denied);
}

}  // namespace
}  // namespace storage::s3
