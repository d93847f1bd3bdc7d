#include "storage/s3/multipart_upload.h"

#include <algorithm>

#include <fmt/format.h>

#include "storage/s3/s3_error.h"
#include "storage/s3/s3_response.h"

namespace storage::s3 {

std::uint64_t part_size_bytes(std::uint64_t body_bytes) {
  constexpr std::uint64_t kStep = std::uint64_t{1} << 20;
  const std::uint64_t needed = (body_bytes + kPartsMax - 1) / kPartsMax;
  return std::max(kPartBytes, (needed + kStep - 1) / kStep * kStep);
}

namespace {

constexpr std::chrono::seconds kAbortWithin{30};

// All on the loop's thread. Kept alive by the callbacks of its requests.
class MultipartUpload : public std::enable_shared_from_this<MultipartUpload> {
 public:
  MultipartUpload(S3Sender& sender, std::shared_ptr<RetryScope> retry, std::string key, PutRequest request,
                  CallContext context, Callback<PutResult> done)
      : sender_(sender),
        retry_(std::move(retry)),
        key_(std::move(key)),
        request_(std::move(request)),
        context_(std::move(context)),
        done_(std::move(done)),
        part_bytes_(part_size_bytes(request_.body->size_bytes())),
        etags_((request_.body->size_bytes() + part_bytes_ - 1) / part_bytes_),
        forward_stop_(context_.stop, [this] { stop_parts_.request_stop(); }) {}

  void begin() {
    if (request_.on_existing == OnExisting::overwrite) return create();
    send("head", &RequestCounts::head, head_object(key_), [this](base::Result<http::Response> response) {
      if (response) return finish(base::fail(base::Category::conflict, key_ + " exists already"));
      if (response.error().category != base::Category::not_found) return finish(std::unexpected(response.error()));
      create();
    });
  }

 private:
  using Then = std::move_only_function<void(base::Result<http::Response>)>;

  void send(std::string_view what, std::uint64_t RequestCounts::* kind, S3Call call, Then then) {
    sender_.send(fmt::format("put {} ({})", request_.key.value, what), kind, std::move(call),
                 {context_.deadline, stop_parts_.get_token(), context_.observer},
                 [self = shared_from_this(), then = std::move(then)](base::Result<http::Response> response) mutable {
                   then(std::move(response));
                 });
  }

  void create() {
    send("create", &RequestCounts::multipart, create_multipart(key_, request_.litestream_timestamp),
         [this](base::Result<http::Response> response) {
           if (!response) return finish(std::unexpected(response.error()));
           auto id = parse_upload_id(response->body);
           if (!id) return finish(std::unexpected(id.error()));
           upload_id_ = *std::move(id);
           send_parts();
         });
  }

  void send_parts() {
    while (!failure_ && parts_in_flight_ < kPartsInFlight && parts_begun_ < etags_.size()) {
      ++parts_in_flight_;
      send_part(parts_begun_++);
    }
    if (parts_in_flight_ > 0) return;
    if (failure_) return abort();
    complete();
  }

  void send_part(std::size_t index) {
    with_retry<PutResult>(
        retry_, CallContext{context_.deadline, stop_parts_.get_token(), context_.observer},
        fmt::format("put {} (part {})", request_.key.value, index + 1),
        [this, self = shared_from_this(), index](const CallContext&, Callback<PutResult> done) {
          send(fmt::format("part {}", index + 1), &RequestCounts::multipart,
               upload_part(key_, upload_id_, static_cast<std::uint32_t>(index + 1), part_body(index)),
               [done = std::move(done)](base::Result<http::Response> response) mutable {
                 if (!response) return done(std::unexpected(response.error()));
                 done(PutResult{std::string(response->header("etag"))});
               });
        },
        [this, self = shared_from_this(), index](base::Result<PutResult> part) {
          --parts_in_flight_;
          if (part && part->etag.empty()) {
            part = base::fail(base::Category::retry_later, "the store stored a part but gave no ETag");
          }
          if (part) {
            etags_[index] = std::move(part->etag);
          } else if (!failure_) {
            failure_ = part.error();
            stop_parts_.request_stop();
          }
          send_parts();
        });
  }

  [[nodiscard]] http::RequestBody part_body(std::size_t index) const {
    const std::uint64_t begin = index * part_bytes_;
    const std::uint64_t size_bytes = std::min(part_bytes_, request_.body->size_bytes() - begin);
    return {size_bytes, [body = request_.body, begin](std::uint64_t offset, base::MutableByteView out) {
              return body->read_at(begin + offset, out);
            }};
  }

  void complete() {
    send("complete", &RequestCounts::multipart, complete_multipart(key_, upload_id_, etags_, request_.on_existing),
         [this](base::Result<http::Response> response) {
           if (!response) {
             failure_ = response.error();
             return abort();
           }
           if (!parse_error_body(response->body).code.empty()) {
             failure_ = error_of(*response, "put " + request_.key.value, sender_.target().region,
                                 base::system_clock().unix_now());
             return abort();
           }
           // The server has said yes: whatever its ETag looks like, the object is there.
           finish(PutResult{parse_complete(response->body).value_or("")});
         });
  }

  void abort() {
    CallContext own;
    own.deadline = std::chrono::steady_clock::now() + kAbortWithin;
    own.observer = context_.observer;
    sender_.send(fmt::format("put {} (abort)", request_.key.value), &RequestCounts::remove,
                 abort_multipart(key_, upload_id_), own,
                 // The failure that led here is what the caller must hear, whether or not the abort got through.
                 [self = shared_from_this()](const base::Result<http::Response>&) {
                   self->finish(std::unexpected(*self->failure_));
                 });
  }

  void finish(base::Result<PutResult> result) {
    Callback<PutResult> done = std::move(done_);
    done(std::move(result));
  }

  S3Sender& sender_;
  const std::shared_ptr<RetryScope> retry_;
  const std::string key_;
  const PutRequest request_;
  const CallContext context_;
  Callback<PutResult> done_;
  const std::uint64_t part_bytes_;
  std::string upload_id_;
  std::vector<std::string> etags_;  // one per part, filled as they arrive
  std::size_t parts_begun_ = 0;
  std::uint32_t parts_in_flight_ = 0;
  std::optional<base::Error> failure_;  // the first
  std::stop_source stop_parts_;         // the caller's stop, or another part's failure
  std::stop_callback<std::function<void()>> forward_stop_;
};

}  // namespace

void start_multipart_upload(S3Sender& sender, std::shared_ptr<RetryScope> retry, std::string key, PutRequest request,
                            CallContext context, Callback<PutResult> done) {
  std::make_shared<MultipartUpload>(sender, std::move(retry), std::move(key), std::move(request), std::move(context),
                                    std::move(done))
      ->begin();
}

}  // namespace storage::s3
