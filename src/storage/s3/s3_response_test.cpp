#include "storage/s3/s3_response.h"

#include <gtest/gtest.h>

namespace storage::s3 {
namespace {

using base::Category;

std::string list_of(const std::string& inner) {
  return "<?xml version=\"1.0\" encoding=\"UTF-8\"?><ListBucketResult "
         "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">" +
         inner + "</ListBucketResult>";
}
std::string entry(const std::string& key, const std::string& size = "5") {
  return "<Contents><Key>" + key + "</Key><LastModified>2025-11-22T20:38:17.498Z</LastModified><Size>" + size +
         "</Size></Contents>";
}

TEST(S3List, IsReadWithItsEncoding) {
  const auto page =
      parse_list(base::as_bytes(list_of("<IsTruncated>false</IsTruncated><EncodingType>url</EncodingType>" +
                                        entry("a%2Fb%2Bc+d") + entry("x%25y", "0"))));
  ASSERT_TRUE(page) << page.error().message;
  ASSERT_EQ(page->objects.size(), 2U);
  EXPECT_EQ(page->objects[0].key.value, "a/b+c d");
  EXPECT_EQ(page->objects[0].size_bytes, 5U);
  EXPECT_EQ(page->objects[0].last_modified, std::chrono::milliseconds(1'763'843'897'498));
  EXPECT_EQ(page->objects[1].key.value, "x%y");
  EXPECT_FALSE(page->next_start_after);
}

TEST(S3List, IsReadPlainWhenTheServerDoesNotEncode) {
  const auto page = parse_list(base::as_bytes(list_of(entry("a+b%20&amp;c"))));
  ASSERT_TRUE(page);
  EXPECT_EQ(page->objects.at(0).key.value, "a+b%20&c");
}

TEST(S3List, GoesOnAfterItsLastKeyWhenTruncated) {
  const auto page = parse_list(base::as_bytes(list_of("<IsTruncated>true</IsTruncated>" + entry("a") + entry("b"))));
  ASSERT_TRUE(page);
  EXPECT_EQ(page->next_start_after, "b");
}

TEST(S3List, RefusesWhatItCannotTrust) {
  for (const std::string& text :
       {std::string(""), std::string("<html/>"), list_of("<IsTruncated>true</IsTruncated>"), list_of(entry("")),
        list_of(entry("a", "x")), list_of(entry("a", "")), list_of("<Contents><Key>a</Key><Size>1</Size></Contents>"),
        list_of("<EncodingType>url</EncodingType>" + entry("a%2")), std::string("<ListBucketResult><Contents>")}) {
    const auto page = parse_list(base::as_bytes(text));
    ASSERT_FALSE(page) << text;
    EXPECT_EQ(page.error().category, Category::corrupt);
  }
}

TEST(S3Delete, TellsWhatFailed) {
  const auto none = parse_delete(base::as_bytes("<DeleteResult></DeleteResult>"));
  EXPECT_TRUE(none && none->empty());
  const auto some =
      parse_delete(base::as_bytes("<DeleteResult><Deleted><Key>ok</Key></Deleted><Error><Key>a&amp;b</Key>"
                                  "<Code>AccessDenied</Code><Message>no</Message></Error></DeleteResult>"));
  ASSERT_TRUE(some && some->size() == 1);
  EXPECT_EQ(some->at(0).key, "a&b");
  EXPECT_EQ(some->at(0).code, "AccessDenied");
  EXPECT_EQ(parse_delete(base::as_bytes("")).error().category, Category::corrupt);
  const auto nameless = parse_delete(base::as_bytes("<DeleteResult><Error><Code>Any</Code></Error></DeleteResult>"));
  EXPECT_EQ(nameless.error().category, Category::corrupt) << "or a failure would count as a success";
}

TEST(S3Multipart, AnswersAreRead) {
  EXPECT_EQ(parse_upload_id(base::as_bytes("<InitiateMultipartUploadResult><UploadId>u1</UploadId>"
                                           "</InitiateMultipartUploadResult>")),
            "u1");
  EXPECT_FALSE(parse_upload_id(base::as_bytes("<InitiateMultipartUploadResult/>")));
  EXPECT_EQ(parse_complete(base::as_bytes("<CompleteMultipartUploadResult><ETag>\"e-2\"</ETag>"
                                          "</CompleteMultipartUploadResult>")),
            "\"e-2\"");
  EXPECT_EQ(parse_complete(base::as_bytes("<CompleteMultipartUploadResult><ETag/></CompleteMultipartUploadResult>")),
            "");
}

TEST(S3Head, ReadsSizeTimesAndMetadata) {
  http::Response response;
  response.headers = {{"content-length", "123"},
                      {"last-modified", "Sat, 22 Nov 2025 20:38:17 GMT"},
                      {"x-amz-meta-litestream-timestamp", "2025-11-22T20:38:17.5Z"}};
  const auto head = parse_head(response);
  ASSERT_TRUE(head);
  EXPECT_EQ(head->size_bytes, 123U);
  EXPECT_EQ(head->last_modified, std::chrono::milliseconds(1'763'843'897'000));
  EXPECT_EQ(head->litestream_timestamp, std::chrono::milliseconds(1'763'843'897'500));
  response.headers["x-amz-meta-litestream-timestamp"] = "nonsense";
  EXPECT_EQ(parse_head(response)->litestream_timestamp, std::nullopt);
  response.headers.erase("last-modified");
  EXPECT_EQ(parse_head(response).error().category, Category::corrupt);
}

}  // namespace
}  // namespace storage::s3
