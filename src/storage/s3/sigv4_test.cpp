// The examples that AWS publishes for S3's header signatures ("Authenticating Requests: Using the Authorization
// Header").
#include "storage/s3/sigv4.h"

#include <gtest/gtest.h>

#include "storage/s3/digest.h"

namespace storage::s3 {
namespace {

constexpr base::UnixMillis kTime = std::chrono::seconds(1369353600);  // 2013-05-24T00:00:00Z
constexpr const char* kEmptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
constexpr const char* kHost = "examplebucket.s3.amazonaws.com";

Credentials example_credentials() {
  return {"AKIAIOSFODNN7EXAMPLE", base::Secret("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"), {}};
}

std::string signature_of(const SigningInput& input) {
  return signature(string_to_sign(canonical_request(input), kTime, "us-east-1"), example_credentials(), kTime,
                   "us-east-1");
}

TEST(SigV4, SignsAwsExampleGetObject) {
  const QueryParameters query;
  const HeaderList headers = {{"host", kHost},
                              {"range", "bytes=0-9"},
                              {"x-amz-content-sha256", kEmptyHash},
                              {"x-amz-date", "20130524T000000Z"}};
  const SigningInput input{"GET", "/test.txt", query, headers, kEmptyHash};
  EXPECT_EQ(canonical_request(input),
            "GET\n/test.txt\n\nhost:examplebucket.s3.amazonaws.com\nrange:bytes=0-9\n"
            "x-amz-content-sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n"
            "x-amz-date:20130524T000000Z\n\nhost;range;x-amz-content-sha256;x-amz-date\n"
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(string_to_sign(canonical_request(input), kTime, "us-east-1"),
            "AWS4-HMAC-SHA256\n20130524T000000Z\n20130524/us-east-1/s3/aws4_request\n"
            "7344ae5b7ee6c3e7e6b0fe0640412a37625d1fbfff95c48bbb2dc43964946972");
  EXPECT_EQ(authorization(input, example_credentials(), kTime, "us-east-1"),
            "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, "
            "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, "
            "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
}

TEST(SigV4, SignsAwsExamplePutObject) {
  const std::string hash = sha256_hex(base::as_bytes("Welcome to Amazon S3."));
  EXPECT_EQ(hash, "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072");
  const QueryParameters query;
  const HeaderList headers = {{"x-amz-storage-class", "REDUCED_REDUNDANCY"},
                              {"date", "Fri, 24 May 2013 00:00:00 GMT"},
                              {"host", kHost},
                              {"x-amz-date", "20130524T000000Z"},
                              {"x-amz-content-sha256", hash}};
  EXPECT_EQ(signature_of({"PUT", "/test%24file.text", query, headers, hash}),
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");
}

TEST(SigV4, SignsAwsExampleWithAParameterWithoutValue) {
  const QueryParameters query = {{"lifecycle", ""}};
  const HeaderList headers = {
      {"host", kHost}, {"x-amz-content-sha256", kEmptyHash}, {"x-amz-date", "20130524T000000Z"}};
  EXPECT_EQ(signature_of({"GET", "/", query, headers, kEmptyHash}),
            "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
}

TEST(SigV4, SignsAwsExampleListWhateverTheOrderOfItsParameters) {
  const QueryParameters query = {{"prefix", "J"}, {"max-keys", "2"}};
  const HeaderList headers = {
      {"host", kHost}, {"x-amz-content-sha256", kEmptyHash}, {"x-amz-date", "20130524T000000Z"}};
  EXPECT_EQ(signature_of({"GET", "/", query, headers, kEmptyHash}),
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
}

TEST(SigV4, EncodesAndSortsTheQueryBytewise) {
  EXPECT_EQ(canonical_query({}), "");
  EXPECT_EQ(canonical_query({{"uploads", ""}}), "uploads=");
  EXPECT_EQ(canonical_query({{"b", "2"}, {"a", "z"}, {"a", "A"}, {"B", "1"}}), "B=1&a=A&a=z&b=2");
  EXPECT_EQ(canonical_query({{"prefix", "a/b +*'()~\xC3\xA9=&"}}), "prefix=a%2Fb%20%2B%2A%27%28%29~%C3%A9%3D%26");
}

TEST(SigV4, CountsRunsOfBlanksInHeadersAsOne) {
  const QueryParameters query;
  const HeaderList headers = {{"x-amz-meta-b", "  a   b  "}, {"host", "h"}};
  EXPECT_EQ(canonical_request({"GET", "/", query, headers, "-"}),
            "GET\n/\n\nhost:h\nx-amz-meta-b:a b\n\nhost;x-amz-meta-b\n-");
}

TEST(Digest, MatchesPublishedValues) {
  EXPECT_EQ(sha256_hex({}), kEmptyHash);
  EXPECT_EQ(md5_base64({}), "1B2M2Y8AsgTpgAmY7PhCfg==");
  EXPECT_EQ(md5_base64(base::as_bytes("abc")), "kAFQmDzST7DWlj99KOF/cg==");
  EXPECT_EQ(base::to_hex(hmac_sha256(base::as_bytes("Jefe"), base::as_bytes("what do ya want for nothing?"))),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  Sha256 pieces;
  pieces.update(base::as_bytes("Welcome to "));
  pieces.update(base::as_bytes("Amazon S3."));
  EXPECT_EQ(base::to_hex(pieces.finish()), "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072");
}

TEST(AmzTime, IsBasicFormatInUtc) {
  EXPECT_EQ(amz_time(kTime), "20130524T000000Z");
  EXPECT_EQ(amz_time(std::chrono::milliseconds(1'763'843'897'999)), "20251122T203817Z");
}

}  // namespace
}  // namespace storage::s3
