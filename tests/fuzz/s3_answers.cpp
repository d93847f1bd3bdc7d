// Every document that an S3 server can send us.
#include "fuzz.h"
#include "storage/s3/s3_error.h"
#include "storage/s3/s3_response.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input(data, size);
  const std::uint8_t kind = input.byte() % 6;
  const base::ByteView body = input.rest();
  switch (kind) {
    case 0:
      if (auto page = storage::s3::parse_list(body)) {
        // Else a listing would never end, or skip what stands before.
        if (page->next_start_after) MUST(!page->next_start_after->empty());
        for (const auto& object : page->objects) MUST(!object.key.value.empty());
      }
      break;
    case 1:
      if (auto failures = storage::s3::parse_delete(body)) {
        for (const auto& failure : *failures) MUST(!failure.key.empty() || !failure.code.empty());
      }
      break;
    case 2:
      if (auto id = storage::s3::parse_upload_id(body)) MUST(!id->empty());
      break;
    case 3:
      static_cast<void>(storage::s3::parse_complete(body));
      break;
    default: {
      http::Response response;
      response.status = kind == 4 ? 503 : 200;
      response.headers.emplace("content-length", input.text());
      response.headers.emplace("last-modified", input.text());
      response.headers.emplace("retry-after", input.text());
      response.headers.emplace("x-amz-meta-litestream-timestamp", input.text());
      response.body.assign(body.begin(), body.end());
      static_cast<void>(storage::s3::parse_head(response));
      const base::Error error = storage::s3::error_of(response, "put a/b", "eu-central-1", base::UnixMillis(0));
      MUST(!error.message.empty());
      if (error.retry_after) MUST(error.retry_after->count() >= 0);
    }
  }
  return 0;
}
