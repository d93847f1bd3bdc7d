// A directory as object store: key = path below the root, in Litestream's file layout.
//
// An object appears whole or not at all, and stays after a power cut: it is written beside its final name, given the
// litestream timestamp as mtime, synced, renamed (without replacing where the caller asks for a conflict), and its
// directory is synced. Left-over unfinished uploads are skipped by listings and never count as objects; after a day
// they are removed from the folders that are written to.
//
// Operations run side by side on kWorkers threads, because file systems merge syncs that overlap: with eight of them
// small puts are about ten times as many a second as with one. Callbacks come from one thread. Operations check stop
// and deadline before they begin and, when they write, between chunks. At most kQueueMax wait; past that the answer is
// retry_later.
//
// A full disk is Category::io: nothing passes by itself there, and somebody has to make room.
#pragma once

#include <atomic>
#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "storage/counter.h"
#include "storage/directory_maker.h"
#include "storage/leftovers.h"
#include "storage/object_store.h"
#include "storage/task_thread.h"
#include "storage/worker_pool.h"

namespace storage {

class FileStore final : public ObjectStore {
 public:
  static constexpr std::size_t kQueueMax = 100'000;
  static constexpr std::size_t kWorkers = 8;

  // The root need not exist yet; it is created by the first put.
  explicit FileStore(std::filesystem::path root, std::chrono::milliseconds leftovers_after = Leftovers::kAge);
  ~FileStore() override;

  void put(PutRequest request, CallContext context, Callback<PutResult> done) override;
  void get(GetRequest request, CallContext context, Callback<base::Bytes> done) override;
  void head(base::ObjectKey key, CallContext context, Callback<ObjectHead> done) override;
  // Cost: reads every directory that can hold keys of the page, and one stat per returned key.
  void list(ListRequest request, CallContext context, Callback<ListPage> done) override;
  void remove(std::vector<base::ObjectKey> keys, CallContext context,
              Callback<std::vector<RemoveFailure>> done) override;
  [[nodiscard]] KeyLayout layout() const override { return KeyLayout::file; }
  [[nodiscard]] std::string display_url() const override { return "file://" + root_.string(); }
  [[nodiscard]] RequestCounts counts() const override { return counter_.counts(); }
  Executor& executor() { return thread_; }

 private:
  template <typename T, typename Work>
  void run(std::uint64_t RequestCounts::* kind, CallContext context, Work work, Callback<T> done);
  [[nodiscard]] base::Result<> go_on(const CallContext& context) const;

  base::Result<PutResult> do_put(const PutRequest& request, const CallContext& context);
  base::Result<> write_temporary(const std::filesystem::path& temporary, const PutRequest& request,
                                 const CallContext& context);
  base::Result<base::Bytes> do_get(const GetRequest& request) const;
  [[nodiscard]] base::Result<ObjectHead> do_head(const base::ObjectKey& key) const;
  base::Result<std::vector<RemoveFailure>> do_remove(const std::vector<base::ObjectKey>& keys,
                                                     const CallContext& context) const;

  const std::filesystem::path root_;
  RequestCounter counter_;
  std::atomic<std::size_t> queued_ = 0;
  std::atomic<bool> closing_ = false;
  DirectoryMaker directories_;
  Leftovers leftovers_;
  TaskThread thread_;   // callbacks
  WorkerPool workers_;  // last: its tasks use the members above, the thread included
};

}  // namespace storage
