#include "storage/s3/s3_request.h"

#include <algorithm>

#include <fmt/format.h>
#include <pugixml.hpp>

#include "storage/s3/digest.h"

namespace storage::s3 {

namespace {

constexpr std::uint64_t kHashChunkBytes = 256U << 10;
// A listing of 1,000 keys of 1,024 bytes, each byte encoded as three, and its XML.
constexpr std::uint64_t kListAnswerBytesMax = 16U << 20;
constexpr std::uint64_t kBodyBytesMax = std::uint64_t{5} << 40;  // S3's limit of an object

http::RequestBody body_of(std::string text) {
  const std::uint64_t size_bytes = text.size();
  return {size_bytes, [text = std::move(text)](std::uint64_t offset, base::MutableByteView out) -> base::Result<> {
            std::ranges::copy(base::as_bytes(text).subspan(offset, out.size()), out.begin());
            return {};
          }};
}

struct StringWriter final : pugi::xml_writer {
  std::string text;
  void write(const void* data, std::size_t size) override { text.append(static_cast<const char*>(data), size); }
};

std::string to_text(const pugi::xml_document& document) {
  StringWriter writer;
  document.save(writer, "", pugi::format_raw | pugi::format_no_declaration, pugi::encoding_utf8);
  return std::move(writer.text);
}

void append_text(pugi::xml_node parent, const char* name, const std::string& text) {
  parent.append_child(name).text().set(text.c_str());
}

HeaderList object_headers(base::UnixMillis litestream_timestamp) {
  HeaderList headers{{"content-type", "application/octet-stream"}};
  if (litestream_timestamp.count() != 0) {
    headers.emplace_back("x-amz-meta-litestream-timestamp", base::to_rfc3339(litestream_timestamp));
  }
  return headers;
}

void add_condition(HeaderList& headers, OnExisting on_existing) {
  if (on_existing == OnExisting::fail_with_conflict) headers.emplace_back("if-none-match", "*");
}

}  // namespace

http::Url aws_endpoint(std::string_view region) {
  const std::string_view suffix = region.starts_with("cn-") ? "amazonaws.com.cn" : "amazonaws.com";
  return {.scheme = "https", .host = fmt::format("s3.{}.{}", region, suffix), .port = {}, .path = "/", .query = {}};
}

bool is_host_compatible(std::string_view bucket) {
  return std::ranges::all_of(bucket,
                             [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; });
}

S3Call put_object(const std::string& key, http::RequestBody body, OnExisting on_existing,
                  base::UnixMillis litestream_timestamp) {
  S3Call call;
  call.method = http::Method::put;
  call.key = key;
  call.headers = object_headers(litestream_timestamp);
  add_condition(call.headers, on_existing);
  call.body = std::move(body);
  return call;
}

S3Call get_object(const std::string& key, const GetRequest& request) {
  S3Call call;
  call.key = key;
  call.response_bytes_max = request.length.value_or(kBodyBytesMax);
  call.keep_partial = request.keep_partial;
  if (request.length) {
    call.headers.emplace_back("range",
                              fmt::format("bytes={}-{}", request.offset, request.offset + *request.length - 1));
    // An error's text must fit even where few bytes were asked for.
    call.response_bytes_max = std::max<std::uint64_t>(call.response_bytes_max, 1U << 16);
  } else if (request.offset > 0) {
    call.headers.emplace_back("range", fmt::format("bytes={}-", request.offset));
  }
  return call;
}

S3Call head_object(const std::string& key) {
  S3Call call;
  call.method = http::Method::head;
  call.key = key;
  return call;
}

S3Call list_objects(std::string_view prefix, std::string_view start_after, std::uint32_t max_keys) {
  S3Call call;
  call.query = {{"list-type", "2"}, {"encoding-type", "url"}, {"max-keys", std::to_string(max_keys)}};
  if (!prefix.empty()) call.query.emplace_back("prefix", prefix);
  if (!start_after.empty()) call.query.emplace_back("start-after", start_after);
  call.response_bytes_max = kListAnswerBytesMax;
  return call;
}

S3Call delete_objects(const std::vector<std::string>& keys) {
  pugi::xml_document document;
  pugi::xml_node root = document.append_child("Delete");
  append_text(root, "Quiet", "true");
  for (const auto& key : keys) append_text(root.append_child("Object"), "Key", key);
  std::string text = to_text(document);
  S3Call call;
  call.method = http::Method::post;
  call.query = {{"delete", ""}};
  call.headers = {{"content-type", "application/xml"}, {"content-md5", md5_base64(base::as_bytes(text))}};
  call.body = body_of(std::move(text));
  call.response_bytes_max = kListAnswerBytesMax;
  return call;
}

S3Call create_multipart(const std::string& key, base::UnixMillis litestream_timestamp) {
  S3Call call;
  call.method = http::Method::post;
  call.key = key;
  call.query = {{"uploads", ""}};
  call.headers = object_headers(litestream_timestamp);
  call.body = body_of("");
  return call;
}

S3Call upload_part(const std::string& key, std::string_view upload_id, std::uint32_t number, http::RequestBody body) {
  S3Call call;
  call.method = http::Method::put;
  call.key = key;
  call.query = {{"partNumber", std::to_string(number)}, {"uploadId", std::string(upload_id)}};
  call.body = std::move(body);
  return call;
}

S3Call complete_multipart(const std::string& key, std::string_view upload_id, const std::vector<std::string>& etags,
                          OnExisting on_existing) {
  pugi::xml_document document;
  pugi::xml_node root = document.append_child("CompleteMultipartUpload");
  for (std::size_t i = 0; i < etags.size(); ++i) {
    pugi::xml_node part = root.append_child("Part");
    append_text(part, "PartNumber", std::to_string(i + 1));
    append_text(part, "ETag", etags[i]);
  }
  S3Call call;
  call.method = http::Method::post;
  call.key = key;
  call.query = {{"uploadId", std::string(upload_id)}};
  call.headers = {{"content-type", "application/xml"}};
  add_condition(call.headers, on_existing);
  call.body = body_of(to_text(document));
  return call;
}

S3Call abort_multipart(const std::string& key, std::string_view upload_id) {
  S3Call call;
  call.method = http::Method::erase;
  call.key = key;
  call.query = {{"uploadId", std::string(upload_id)}};
  return call;
}

base::Result<std::string> payload_sha256(const std::optional<http::RequestBody>& body) {
  Sha256 hash;
  const std::uint64_t size_bytes = body ? body->size_bytes : 0;
  base::Bytes chunk(std::min(size_bytes, kHashChunkBytes));
  for (std::uint64_t offset = 0; offset < size_bytes; offset += chunk.size()) {
    chunk.resize(std::min(size_bytes - offset, kHashChunkBytes));
    TRY(body->read_at(offset, chunk));
    hash.update(chunk);
  }
  return base::to_hex(hash.finish());
}

http::Request sign(const S3Target& target, S3Call call, const std::string& payload_sha256_hex,
                   const Credentials& credentials, base::UnixMillis now) {
  const std::string server = http::host_header(target.endpoint);
  const std::string host = target.path_style ? server : fmt::format("{}.{}", target.bucket, server);
  const std::string bucket_path = target.path_style ? fmt::format("/{}", target.bucket) : std::string();
  const bool bucket_itself = call.key.empty() && target.path_style;
  const std::string path =
      http::percent_encode(fmt::format("{}{}{}", bucket_path, bucket_itself ? "" : "/", call.key), http::Slash::keep);

  call.headers.emplace_back("host", host);
  call.headers.emplace_back("x-amz-content-sha256", payload_sha256_hex);
  call.headers.emplace_back("x-amz-date", amz_time(now));
  if (!credentials.session_token.empty()) {
    call.headers.emplace_back("x-amz-security-token", credentials.session_token.reveal());
  }
  const SigningInput input{http::to_string(call.method), path, call.query, call.headers, payload_sha256_hex};
  std::string authorized = authorization(input, credentials, now, target.region);

  http::Request request;
  request.method = call.method;
  const std::string query = canonical_query(call.query);
  request.url = fmt::format("{}://{}{}{}{}", target.endpoint.scheme, host, path, query.empty() ? "" : "?", query);
  request.headers = std::move(call.headers);
  request.headers.emplace_back("authorization", std::move(authorized));
  request.body = std::move(call.body);
  request.response_bytes_max = call.response_bytes_max;
  request.keep_partial = std::move(call.keep_partial);
  return request;
}

}  // namespace storage::s3
