#include "storage/s3/s3_sender.h"

#include "storage/s3/s3_error.h"

namespace storage::s3 {

S3Sender::S3Sender(S3Target target, std::shared_ptr<CredentialsProvider> credentials, http::TransferOptions options)
    : target_(std::move(target)), credentials_(std::move(credentials)), loop_(std::move(options)) {}

void S3Sender::send(std::string operation, std::uint64_t RequestCounts::* kind, S3Call call, const CallContext& context,
                    Done done) {
  loop_.start(
      [this, kind, context, call = std::move(call)]() mutable { return prepare(std::move(call), kind, context); },
      {.deadline = context.deadline, .stop = context.stop},
      [this, context, operation = std::move(operation), done = std::move(done)](
          base::Result<http::Response> response) mutable { done(judge(std::move(response), operation, context)); });
}

base::Result<http::Request> S3Sender::prepare(S3Call call, std::uint64_t RequestCounts::* kind,
                                              const CallContext& context) {
  TRY_ASSIGN(const Credentials credentials, credentials_->current());
  TRY_ASSIGN(const std::string hash, payload_sha256(call.body));
  counter_.add_request(kind, context);
  counter_.add_sent(call.body ? call.body->size_bytes : 0, context);
  return sign(target_, std::move(call), hash, credentials, base::system_clock().unix_now());
}

base::Result<http::Response> S3Sender::judge(base::Result<http::Response> response, const std::string& operation,
                                             const CallContext& context) {
  if (response) {
    counter_.add_received(response->body.size(), context);
    if (response->status >= 200 && response->status < 300) return response;
  }
  auto error = response ? error_of(*response, operation, target_.region, base::system_clock().unix_now())
                        : response.error().with_context(operation);
  counter_.add_failure(error);
  return base::fail(std::move(error));
}

}  // namespace storage::s3
