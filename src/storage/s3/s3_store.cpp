#include "storage/s3/s3_store.h"

#include <algorithm>

#include <fmt/format.h>

#include "storage/call.h"
#include "storage/s3/multipart_upload.h"
#include "storage/s3/s3_error.h"
#include "storage/s3/s3_request.h"
#include "storage/s3/s3_response.h"

namespace storage::s3 {

namespace {

constexpr std::size_t kRemoveBatch = 1000;
constexpr int kPartialContent = 206;

http::RequestBody whole_body(const std::shared_ptr<const Body>& body) {
  return {body->size_bytes(),
          [body](std::uint64_t offset, base::MutableByteView out) { return body->read_at(offset, out); }};
}

}  // namespace

struct S3Store::RemoveCall {
  std::vector<base::ObjectKey> keys;
  std::size_t begin = 0;
  CallContext context;
  Callback<std::vector<RemoveFailure>> done;
  std::vector<RemoveFailure> failures;
};

S3Store::S3Store(S3StoreConfig config)
    : prefix_(config.prefix.empty() ? "" : config.prefix + "/"),
      executor_(sender_),
      part_retry_(std::make_shared<RetryScope>(executor_, config.part_retry)),
      sender_(std::move(config.target), std::move(config.credentials), std::move(config.transfer)) {}

S3Store::~S3Store() {
  part_retry_->stopping = true;
}

std::string S3Store::whole_key(std::string_view key) const {
  return prefix_ + std::string(key);
}

std::string S3Store::own_key(std::string_view whole_key) const {
  return std::string(whole_key.substr(std::min(prefix_.size(), whole_key.size())));
}

std::string S3Store::display_url() const {
  return fmt::format("s3://{}{}{}", sender_.target().bucket, prefix_.empty() ? "" : "/",
                     std::string_view(prefix_).substr(0, prefix_.empty() ? 0 : prefix_.size() - 1));
}

RequestCounts S3Store::counts() const {
  RequestCounts counts = sender_.counts();
  counts.retried += part_retry_->retried;
  return counts;
}

void S3Store::put(PutRequest request, CallContext context, Callback<PutResult> done) {
  std::string key = whole_key(request.key.value);
  if (request.body->size_bytes() > kMultipartAboveBytes) {
    // Its steps belong to the loop's thread from the first one on.
    sender_.loop().post([this, key = std::move(key), request = std::move(request), context = std::move(context),
                         done = std::move(done)]() mutable {
      start_multipart_upload(sender_, part_retry_, std::move(key), std::move(request), std::move(context),
                             std::move(done));
    });
    return;
  }
  S3Call call = put_object(key, whole_body(request.body), request.on_existing, request.litestream_timestamp);
  std::string operation = "put " + request.key.value;
  sender_.send(operation, &RequestCounts::put, std::move(call), context,
               [operation, done = std::move(done)](base::Result<http::Response> response) mutable {
                 if (!response) return done(std::unexpected(std::move(response).error()));
                 std::string etag(response->header("etag"));
                 if (etag.empty() || etag == "\"\"") {
                   return done(base::fail(base::Category::retry_later, operation + ": answered without an ETag"));
                 }
                 done(PutResult{std::move(etag)});
               });
}

void S3Store::get(GetRequest request, CallContext context, Callback<base::Bytes> done) {
  S3Call call = get_object(whole_key(request.key.value), request);
  // A range of nothing cannot be said in a header; the object need not be asked.
  auto possible = request.length == 0 ? check_range(request, 0) : base::Result<>();
  if (!possible) {
    sender_.loop().post([error = std::move(possible).error(), done = std::move(done)]() mutable {
      done(std::unexpected(std::move(error)));
    });
    return;
  }
  std::string operation = "get " + request.key.value;
  sender_.send(operation, &RequestCounts::get, std::move(call), context,
               [request, operation, done = std::move(done)](base::Result<http::Response> response) mutable {
                 if (!response) return done(std::unexpected(std::move(response).error()));
                 if (is_ranged(request) && response->status != kPartialContent) {
                   return done(base::fail(base::Category::unsupported, operation + ": the store ignores Range"));
                 }
                 if (request.length && response->body.size() > *request.length) {
                   return done(base::fail(base::Category::corrupt, operation + ": more bytes than asked for"));
                 }
                 done(std::move(response->body));
               });
}

void S3Store::head(base::ObjectKey key, CallContext context, Callback<ObjectHead> done) {
  sender_.send("head " + key.value, &RequestCounts::head, head_object(whole_key(key.value)), context,
               [done = std::move(done)](base::Result<http::Response> response) mutable {
                 if (!response) return done(std::unexpected(std::move(response).error()));
                 done(parse_head(*response));
               });
}

void S3Store::list(ListRequest request, CallContext context, Callback<ListPage> done) {
  const std::string after = request.start_after.empty() ? "" : whole_key(request.start_after);
  S3Call call = list_objects(whole_key(request.prefix), after, clamp_max_keys(request.max_keys));
  sender_.send("list " + request.prefix, &RequestCounts::list, std::move(call), context,
               [this, done = std::move(done)](base::Result<http::Response> response) mutable {
                 if (!response) return done(std::unexpected(std::move(response).error()));
                 auto page = parse_list(response->body);
                 if (!page) return done(std::move(page));
                 for (auto& object : page->objects) object.key.value = own_key(object.key.value);
                 if (page->next_start_after) page->next_start_after = own_key(*page->next_start_after);
                 done(std::move(page));
               });
}

void S3Store::remove(std::vector<base::ObjectKey> keys, CallContext context,
                     Callback<std::vector<RemoveFailure>> done) {
  auto call = std::make_shared<RemoveCall>();
  call->keys = std::move(keys);
  call->context = std::move(context);
  call->done = std::move(done);
  sender_.loop().post([this, call = std::move(call)]() mutable { remove_batch(std::move(call)); });
}

void S3Store::remove_batch(std::shared_ptr<RemoveCall> call) {
  if (call->begin >= call->keys.size()) return call->done(std::move(call->failures));
  const std::size_t end = std::min(call->begin + kRemoveBatch, call->keys.size());
  std::vector<std::string> batch;
  for (std::size_t i = call->begin; i < end; ++i) batch.push_back(whole_key(call->keys[i].value));
  call->begin = end;
  const CallContext context = call->context;
  sender_.send(fmt::format("remove {} keys", batch.size()), &RequestCounts::remove, delete_objects(batch), context,
               [this, call = std::move(call)](base::Result<http::Response> response) mutable {
                 if (!response) return call->done(std::unexpected(std::move(response).error()));
                 if (auto taken = take_removed(*call, *response); !taken) {
                   return call->done(std::unexpected(std::move(taken).error()));
                 }
                 remove_batch(std::move(call));
               });
}

base::Result<> S3Store::take_removed(RemoveCall& call, const http::Response& response) const {
  TRY_ASSIGN(const std::vector<KeyFailure> failures, parse_delete(response.body));
  for (const auto& failure : failures) {
    const base::Category category = category_of(response.status, failure.code);
    if (category == base::Category::not_found) continue;  // what is gone is gone
    const std::string key = own_key(failure.key);
    call.failures.push_back(
        {base::ObjectKey{key}, {category, fmt::format("remove {}: {}: {}", key, failure.code, failure.message), {}}});
  }
  return {};
}

}  // namespace storage::s3
