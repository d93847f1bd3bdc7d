#include "http/url.h"

#include <gtest/gtest.h>

namespace http {
namespace {

Url url_of(std::string scheme, std::string host, std::optional<std::uint16_t> port, std::string path = "/",
           std::string query = "") {
  return Url{std::move(scheme), std::move(host), port, std::move(path), std::move(query)};
}

TEST(Url, IsParsedIntoItsParts) {
  const std::pair<const char*, Url> cases[] = {
      {"http://localhost", url_of("http", "localhost", {})},
      {"HTTPS://S3.Example.COM/", url_of("https", "s3.example.com", {})},
      {"http://127.0.0.1:9000", url_of("http", "127.0.0.1", 9000)},
      {"http://[::1]:9000/a%20b?x=1&y", url_of("http", "[::1]", 9000, "/a%20b", "x=1&y")},
      {"https://h?q", url_of("https", "h", {}, "/", "q")},
      {"https://h/p#fragment", url_of("https", "h", {}, "/p")},
      {"https://h/a/../b", url_of("https", "h", {}, "/a/../b")},
  };
  for (const auto& [text, expected] : cases) {
    const auto parsed = parse_url(text);
    ASSERT_TRUE(parsed) << text << ": " << parsed.error().message;
    EXPECT_EQ(*parsed, expected) << text;
  }
}

TEST(Url, RefusesWhatIsNoHttpUrl) {
  for (const char* text : {"", "localhost:9000", "ftp://h", "http://", "http://h:0", "http://h:99999", "http://h:x",
                           "http://user:secret@h", "http://a b", "http://::1/"}) {
    const auto parsed = parse_url(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().category, base::Category::invalid) << text;
    EXPECT_EQ(parsed.error().message.find("secret"), std::string::npos);
  }
}

TEST(Url, HostHeaderLeavesOutTheSchemesOwnPort) {
  const std::pair<const char*, const char*> cases[] = {{"http://h:80", "h"},
                                                       {"https://h:443", "h"},
                                                       {"https://h:80", "h:80"},
                                                       {"http://h:9000", "h:9000"},
                                                       {"http://[::1]:9000", "[::1]:9000"}};
  for (const auto& [text, expected] : cases) EXPECT_EQ(host_header(parse_url(text).value()), expected) << text;
}

TEST(PercentEncoding, KeepsOnlyUnreservedCharacters) {
  EXPECT_EQ(percent_encode("AZaz09-._~", Slash::encode), "AZaz09-._~");
  EXPECT_EQ(percent_encode(" +*'()!@:,;=&$?%#", Slash::encode), "%20%2B%2A%27%28%29%21%40%3A%2C%3B%3D%26%24%3F%25%23");
  EXPECT_EQ(percent_encode("\xC3\xA9", Slash::encode), "%C3%A9");
  EXPECT_EQ(percent_encode("a//b", Slash::encode), "a%2F%2Fb");
  EXPECT_EQ(percent_encode("a//b", Slash::keep), "a//b");
}

TEST(PercentEncoding, DecodesItsOwnOutputForEveryByte) {
  std::string every;
  for (int byte = 0; byte < 256; ++byte) every.push_back(static_cast<char>(byte));
  EXPECT_EQ(percent_decode(percent_encode(every, Slash::encode), Plus::space), every);
}

TEST(PercentEncoding, DecodesPlusAsAskedAndRefusesBrokenEscapes) {
  EXPECT_EQ(percent_decode("a+b%2b", Plus::space), "a b+");
  EXPECT_EQ(percent_decode("a+b%2b", Plus::literal), "a+b+");
  for (const char* text : {"%", "%4", "a%", "%zz", "%4g"}) EXPECT_EQ(percent_decode(text, Plus::literal), std::nullopt);
}

}  // namespace
}  // namespace http
