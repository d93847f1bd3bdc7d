#include "storage/s3/s3_response.h"

#include <charconv>
#include <optional>
#include <string_view>

#include <fmt/format.h>
#include <pugixml.hpp>

#include "http/date.h"
#include "http/url.h"
#include "storage/timestamp.h"

namespace storage::s3 {

namespace {

std::unexpected<base::Error> corrupt(std::string_view what) {
  return base::fail(base::Category::corrupt, fmt::format("the store's answer cannot be read: {}", what));
}

// The root element, if it has that name.
base::Result<pugi::xml_node> load(pugi::xml_document& document, base::ByteView body, const char* root) {
  // Blanks in a key's text count, also if it is nothing else.
  const auto parsed =
      document.load_buffer(body.data(), body.size(), pugi::parse_default | pugi::parse_ws_pcdata_single);
  if (!parsed) return corrupt(parsed.description());
  const pugi::xml_node node = document.child(root);
  if (!node) return corrupt(fmt::format("no <{}>", root));
  return node;
}

std::optional<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

base::Result<ListPage> parse_list(base::ByteView body) {
  pugi::xml_document document;
  TRY_ASSIGN(const pugi::xml_node root, load(document, body, "ListBucketResult"));
  const bool encoded = std::string_view(root.child_value("EncodingType")) == "url";
  ListPage page;
  for (const pugi::xml_node entry : root.children("Contents")) {
    std::optional<std::string> key = entry.child_value("Key");
    if (encoded) key = http::percent_decode(*key, http::Plus::space);
    const auto size_bytes = parse_number(entry.child_value("Size"));
    const auto modified = parse_rfc3339(entry.child_value("LastModified"));
    if (!key || key->empty() || !size_bytes || !modified) return corrupt("a listed object without key, size or time");
    page.objects.push_back({base::ObjectKey{*std::move(key)}, *size_bytes, *modified});
  }
  if (std::string_view(root.child_value("IsTruncated")) != "true") return page;
  if (page.objects.empty()) return corrupt("a listing that goes on but lists nothing");
  page.next_start_after = page.objects.back().key.value;
  return page;
}

base::Result<std::vector<KeyFailure>> parse_delete(base::ByteView body) {
  pugi::xml_document document;
  TRY_ASSIGN(const pugi::xml_node root, load(document, body, "DeleteResult"));
  std::vector<KeyFailure> failures;
  for (const pugi::xml_node entry : root.children("Error")) {
    if (*entry.child_value("Key") == '\0') return corrupt("a deletion that failed without saying which");
    failures.push_back({entry.child_value("Key"), entry.child_value("Code"), entry.child_value("Message")});
  }
  return failures;
}

base::Result<std::string> parse_upload_id(base::ByteView body) {
  pugi::xml_document document;
  TRY_ASSIGN(const pugi::xml_node root, load(document, body, "InitiateMultipartUploadResult"));
  std::string id = root.child_value("UploadId");
  if (id.empty()) return corrupt("a multipart upload without id");
  return id;
}

base::Result<std::string> parse_complete(base::ByteView body) {
  pugi::xml_document document;
  TRY_ASSIGN(const pugi::xml_node root, load(document, body, "CompleteMultipartUploadResult"));
  return std::string(root.child_value("ETag"));
}

base::Result<ObjectHead> parse_head(const http::Response& response) {
  const auto size_bytes = parse_number(response.header("content-length"));
  const auto modified = http::parse_http_date(response.header("last-modified"));
  if (!size_bytes || !modified) return corrupt("HEAD without Content-Length or Last-Modified");
  return ObjectHead{*size_bytes, *modified, parse_rfc3339(response.header("x-amz-meta-litestream-timestamp"))};
}

}  // namespace storage::s3
