#include "storage/s3/s3_request.h"

#include <gtest/gtest.h>

#include "storage/s3/digest.h"
#include "storage/s3/multipart_upload.h"

namespace storage::s3 {
namespace {

using std::chrono::milliseconds;

http::RequestBody no_body() {
  return {0, [](std::uint64_t, base::MutableByteView) -> base::Result<> { return {}; }};
}

std::string text_of(const http::RequestBody& body) {
  base::Bytes bytes(body.size_bytes);
  EXPECT_TRUE(body.read_at(0, bytes));
  return std::string(base::as_text(bytes));
}

std::string header_of(const HeaderList& headers, std::string_view name) {
  for (const auto& [key, value] : headers) {
    if (key == name) return value;
  }
  return "(absent)";
}

S3Target target_of(const char* endpoint, bool path_style) {
  return {
      .endpoint = http::parse_url(endpoint).value(), .bucket = "bkt", .region = "eu-west-1", .path_style = path_style};
}

http::Request signed_request(const S3Target& target, S3Call call, std::string token = "") {
  const Credentials credentials{"KEYID", base::Secret("verysecret"), base::Secret(std::move(token))};
  return sign(target, std::move(call), "hash", credentials, milliseconds(1'763'843'897'498));
}

TEST(S3Request, PutCarriesWhatLitestreamWrites) {
  const S3Call call = put_object("k", no_body(), OnExisting::fail_with_conflict, milliseconds(1'763'843'897'498));
  EXPECT_EQ(call.headers, (HeaderList{{"content-type", "application/octet-stream"},
                                      {"x-amz-meta-litestream-timestamp", "2025-11-22T20:38:17.498Z"},
                                      {"if-none-match", "*"}}));
  EXPECT_EQ(put_object("k", no_body(), OnExisting::overwrite, milliseconds(0)).headers,
            (HeaderList{{"content-type", "application/octet-stream"}}));
}

TEST(S3Request, GetAsksForARangeOnlyWhenOneIsWanted) {
  const std::pair<GetRequest, const char*> cases[] = {
      {{.key = {}, .offset = 0, .length = {}}, "(absent)"},
      {{.key = {}, .offset = 5, .length = {}}, "bytes=5-"},
      {{.key = {}, .offset = 0, .length = 1}, "bytes=0-0"},
      {{.key = {}, .offset = 100, .length = 50}, "bytes=100-149"},
  };
  for (const auto& [request, expected] : cases)
    EXPECT_EQ(header_of(get_object("k", request).headers, "range"), expected);
}

TEST(S3Request, ListIsEncodedAndSortedOnTheWire) {
  const auto request = signed_request(target_of("http://h:9000", true), list_objects("a b/", "a b/+", 7));
  EXPECT_EQ(request.url,
            "http://h:9000/bkt?encoding-type=url&list-type=2&max-keys=7&prefix=a%20b%2F&start-after=a%20b%2F%2B");
}

TEST(S3Request, AddressesBucketAndKeyInBothStyles) {
  struct Case {
    const char* endpoint;
    bool path_style;
    const char* key;
    const char* url;
    const char* host;
  };
  const Case cases[] = {
      {"http://h:9000", true, "a/b", "http://h:9000/bkt/a/b", "h:9000"},
      {"http://h:9000", true, "", "http://h:9000/bkt", "h:9000"},
      {"https://h:443", true, "a", "https://h/bkt/a", "h"},
      {"https://s3.eu-west-1.amazonaws.com", false, "a/b", "https://bkt.s3.eu-west-1.amazonaws.com/a/b",
       "bkt.s3.eu-west-1.amazonaws.com"},
      {"https://s3.eu-west-1.amazonaws.com", false, "", "https://bkt.s3.eu-west-1.amazonaws.com/",
       "bkt.s3.eu-west-1.amazonaws.com"},
      {"http://h", true, "a b+*'()~\xC3\xA9/../c", "http://h/bkt/a%20b%2B%2A%27%28%29~%C3%A9/../c", "h"},
  };
  for (const auto& c : cases) {
    const auto request = signed_request(target_of(c.endpoint, c.path_style), head_object(c.key));
    EXPECT_EQ(request.url, c.url);
    EXPECT_EQ(header_of(request.headers, "host"), c.host);
  }
}

TEST(S3Request, SignsEveryHeaderAndSendsTheSessionToken) {
  const auto request =
      signed_request(target_of("http://h", true),
                     put_object("k", no_body(), OnExisting::fail_with_conflict, milliseconds(1)), "token");
  EXPECT_EQ(header_of(request.headers, "x-amz-security-token"), "token");
  EXPECT_EQ(header_of(request.headers, "x-amz-content-sha256"), "hash");
  EXPECT_EQ(header_of(request.headers, "x-amz-date"), "20251122T203817Z");
  const std::string authorization = header_of(request.headers, "authorization");
  EXPECT_NE(authorization.find("SignedHeaders=content-type;host;if-none-match;x-amz-content-sha256;x-amz-date;"
                               "x-amz-meta-litestream-timestamp;x-amz-security-token,"),
            std::string::npos)
      << authorization;
  EXPECT_NE(authorization.find("Credential=KEYID/20251122/eu-west-1/s3/aws4_request"), std::string::npos);
  EXPECT_EQ(authorization.find("verysecret"), std::string::npos);
  EXPECT_EQ(header_of(signed_request(target_of("http://h", true), head_object("k")).headers, "x-amz-security-token"),
            "(absent)");
}

TEST(S3Request, DeleteNamesItsKeysAsXmlWithItsDigest) {
  const S3Call call = delete_objects({"a&b", "c<d> \xC3\xA9"});
  const std::string text = text_of(*call.body);
  EXPECT_EQ(text,
            "<Delete><Quiet>true</Quiet><Object><Key>a&amp;b</Key></Object>"
            "<Object><Key>c&lt;d&gt; \xC3\xA9</Key></Object></Delete>");
  EXPECT_EQ(header_of(call.headers, "content-md5"), md5_base64(base::as_bytes(text)));
  EXPECT_EQ(canonical_query(call.query), "delete=");
}

TEST(S3Request, CompleteNamesThePartsInOrder) {
  const S3Call call = complete_multipart("k", "id", {"\"e1\"", "\"e2\""}, OnExisting::fail_with_conflict);
  EXPECT_EQ(text_of(*call.body),
            "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>\"e1\"</ETag></Part>"
            "<Part><PartNumber>2</PartNumber><ETag>\"e2\"</ETag></Part></CompleteMultipartUpload>");
  EXPECT_EQ(header_of(call.headers, "if-none-match"), "*");
  EXPECT_EQ(header_of(complete_multipart("k", "id", {"e"}, OnExisting::overwrite).headers, "if-none-match"),
            "(absent)");
  EXPECT_EQ(canonical_query(upload_part("k", "i d", 3, no_body()).query), "partNumber=3&uploadId=i%20d");
}

TEST(S3Request, HashesABodyInPiecesAndPassesItsErrorOn) {
  const base::Bytes bytes(1'000'003, 5);
  const http::RequestBody body{bytes.size(), [&](std::uint64_t offset, base::MutableByteView out) -> base::Result<> {
                                 std::ranges::copy(base::ByteView(bytes).subspan(offset, out.size()), out.begin());
                                 return {};
                               }};
  EXPECT_EQ(payload_sha256(body), sha256_hex(bytes));
  EXPECT_EQ(payload_sha256({}), sha256_hex({}));
  const http::RequestBody broken{
      1, [](std::uint64_t, base::MutableByteView) -> base::Result<> { return base::fail(base::Category::io, "gone"); }};
  EXPECT_EQ(payload_sha256(broken).error().category, base::Category::io);
}

TEST(S3Request, ChoosesAwsEndpointAndStyle) {
  EXPECT_EQ(http::origin(aws_endpoint("eu-west-1")), "https://s3.eu-west-1.amazonaws.com");
  EXPECT_EQ(http::origin(aws_endpoint("cn-north-1")), "https://s3.cn-north-1.amazonaws.com.cn");
  EXPECT_TRUE(is_host_compatible("my-bucket1"));
  for (const char* bucket : {"my.bucket", "My-bucket", "my_bucket"}) EXPECT_FALSE(is_host_compatible(bucket));
}

TEST(Multipart, ChoosesPartsThatFitTheLimitOfTenThousand) {
  constexpr std::uint64_t kMiB = 1U << 20;
  const std::pair<std::uint64_t, std::uint64_t> cases[] = {
      {65 * kMiB, 8 * kMiB}, {80'000 * kMiB, 8 * kMiB}, {80'000 * kMiB + 1, 9 * kMiB}, {1'000'000 * kMiB, 100 * kMiB}};
  for (const auto& [body, expected] : cases) {
    EXPECT_EQ(part_size_bytes(body), expected);
    EXPECT_LE((body + expected - 1) / expected, kPartsMax);
  }
}

}  // namespace
}  // namespace storage::s3
