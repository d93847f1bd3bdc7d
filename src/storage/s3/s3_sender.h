// Sends S3 calls: signs them when their turn comes, counts them, and turns refusals into errors.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "http/transfer.h"
#include "storage/counter.h"
#include "storage/object_store.h"
#include "storage/s3/credentials.h"
#include "storage/s3/s3_request.h"

namespace storage::s3 {

class S3Sender {
 public:
  using Done = Callback<http::Response>;

  S3Sender(S3Target target, std::shared_ptr<CredentialsProvider> credentials, http::TransferOptions options);
  // Answers everything in flight with Category::cancelled.
  ~S3Sender() = default;

  // `operation` is for people ("put a/b"); `kind` says what is counted. `done` gets 2xx answers only, on the loop's
  // thread.
  void send(std::string operation, std::uint64_t RequestCounts::* kind, S3Call call, const CallContext& context,
            Done done);

  [[nodiscard]] http::TransferLoop& loop() { return loop_; }
  [[nodiscard]] const S3Target& target() const { return target_; }
  [[nodiscard]] RequestCounts counts() const { return counter_.counts(); }

 private:
  base::Result<http::Request> prepare(S3Call call, std::uint64_t RequestCounts::* kind, const CallContext& context);
  base::Result<http::Response> judge(base::Result<http::Response> response, const std::string& operation,
                                     const CallContext& context);

  const S3Target target_;
  const std::shared_ptr<CredentialsProvider> credentials_;
  RequestCounter counter_;
  http::TransferLoop loop_;  // last: its callbacks use the members above
};

}  // namespace storage::s3
