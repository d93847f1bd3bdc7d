// An S3 bucket as object store, for AWS and what speaks its language. Requests as Litestream writes and reads them
// (format dossier section 3.2): PutObject with a real payload hash, ListObjectsV2, ranged GET, HEAD, DeleteObjects.
//
// Bodies over 64 MiB go up in parts (multipart_upload.h). Callbacks run on the transfer loop's thread; bodies are read
// there. Error categories: s3_error.h, and http/transfer.h for the network.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "storage/executor.h"
#include "storage/object_store.h"
#include "storage/retry.h"
#include "storage/s3/s3_sender.h"

namespace storage::s3 {

struct S3StoreConfig {
  S3Target target;
  std::string prefix;  // "" or "a/b": stands before every key with a '/'
  std::shared_ptr<CredentialsProvider> credentials;
  http::TransferOptions transfer;
  RetryPolicy part_retry;  // parts of multipart uploads only
};

class S3Store final : public ObjectStore {
 public:
  explicit S3Store(S3StoreConfig config);
  ~S3Store() override;

  // A single PUT that is answered without ETag counts as failed (retry_later): some gateways answer 200 and drop the
  // body.
  void put(PutRequest request, CallContext context, Callback<PutResult> done) override;
  void get(GetRequest request, CallContext context, Callback<base::Bytes> done) override;
  void head(base::ObjectKey key, CallContext context, Callback<ObjectHead> done) override;
  void list(ListRequest request, CallContext context, Callback<ListPage> done) override;
  // Batches one after the other; a batch that fails as a whole fails the call, and the keys before it are gone.
  void remove(std::vector<base::ObjectKey> keys, CallContext context,
              Callback<std::vector<RemoveFailure>> done) override;
  [[nodiscard]] KeyLayout layout() const override { return KeyLayout::s3; }
  [[nodiscard]] std::string display_url() const override;
  [[nodiscard]] RequestCounts counts() const override;
  Executor& executor() { return executor_; }

 private:
  // The transfer loop's thread as Executor.
  class LoopExecutor final : public Executor {
   public:
    explicit LoopExecutor(S3Sender& sender) : sender_(sender) {}
    void post(Task task) override { sender_.loop().post(std::move(task)); }
    void post_after(std::chrono::milliseconds delay, Task task) override {
      sender_.loop().post_after(delay, std::move(task));
    }

   private:
    S3Sender& sender_;
  };
  struct RemoveCall;

  [[nodiscard]] std::string whole_key(std::string_view key) const;
  [[nodiscard]] std::string own_key(std::string_view whole_key) const;
  void remove_batch(std::shared_ptr<RemoveCall> call);
  base::Result<> take_removed(RemoveCall& call, const http::Response& response) const;

  const std::string prefix_;  // "" or "a/b/"
  LoopExecutor executor_;
  const std::shared_ptr<RetryScope> part_retry_;
  S3Sender sender_;  // last: its callbacks use the members above, also while it is destroyed
};

}  // namespace storage::s3
