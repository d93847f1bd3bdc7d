#include "http/curl_error.h"

#include <gtest/gtest.h>

namespace http {
namespace {

TEST(CurlError, MeansForTheCallerWhatTheTableSays) {
  using base::Category;
  const std::pair<CURLcode, Category> cases[] = {
      {CURLE_COULDNT_RESOLVE_HOST, Category::retry_later},
      {CURLE_COULDNT_CONNECT, Category::retry_later},
      {CURLE_OPERATION_TIMEDOUT, Category::retry_later},
      {CURLE_SSL_CONNECT_ERROR, Category::retry_later},
      {CURLE_SEND_ERROR, Category::retry_later},
      {CURLE_RECV_ERROR, Category::retry_later},
      {CURLE_GOT_NOTHING, Category::retry_later},
      {CURLE_PARTIAL_FILE, Category::retry_later},
      {CURLE_WEIRD_SERVER_REPLY, Category::retry_later},
      {CURLE_PEER_FAILED_VERIFICATION, Category::denied},
      {CURLE_SSL_CACERT_BADFILE, Category::denied},
      {CURLE_SSL_CERTPROBLEM, Category::denied},
      {CURLE_URL_MALFORMAT, Category::invalid},
      {CURLE_UNSUPPORTED_PROTOCOL, Category::invalid},
      {CURLE_WRITE_ERROR, Category::corrupt},
      {CURLE_OUT_OF_MEMORY, Category::io},
      {CURLE_READ_ERROR, Category::io},
      {CURLE_NOT_BUILT_IN, Category::unsupported},
      {CURLE_ABORTED_BY_CALLBACK, Category::cancelled},
  };
  for (const auto& [code, expected] : cases) EXPECT_EQ(category_of(code), expected) << curl_easy_strerror(code);
}

}  // namespace
}  // namespace http
