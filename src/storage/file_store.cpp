#include "storage/file_store.h"

#include <algorithm>
#include <future>
#include <set>

#include <fmt/format.h>

#include "base/random.h"
#include "os/file.h"
#include "storage/call.h"
#include "storage/file_key.h"
#include "storage/file_listing.h"

namespace storage {

namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kChunkBytes = 1U << 20;

base::UnixMillis modified_time(const os::FileStat& stat) {
  return std::chrono::floor<std::chrono::milliseconds>(std::chrono::nanoseconds(stat.modified_ns));
}

// A directory in an object's place is no object.
base::Result<os::FileStat> stat_object(const fs::path& path, const base::ObjectKey& key) {
  auto stat = os::stat_path(path);
  if (stat && !stat->is_regular) return base::fail(base::Category::not_found, key.value + " does not exist");
  return stat;
}

}  // namespace

FileStore::FileStore(fs::path root, std::chrono::milliseconds leftovers_after)
    : root_(std::move(root)), leftovers_(leftovers_after), workers_(kWorkers) {}

FileStore::~FileStore() {
  closing_ = true;
  // A callback that saw `closing_` unset may just be posting to the workers: let it get through before they go.
  std::promise<void> passed;
  thread_.post([&passed] { passed.set_value(); });
  passed.get_future().wait();
}

base::Result<> FileStore::go_on(const CallContext& context) const {
  if (closing_) return base::fail(base::Category::cancelled, "store is being closed");
  return still_wanted(context, std::chrono::steady_clock::now());
}

template <typename T, typename Work>
void FileStore::run(std::uint64_t RequestCounts::* kind, CallContext context, Work work, Callback<T> done) {
  const std::size_t waiting = queued_.fetch_add(1);
  auto task = [this, kind, waiting, context = std::move(context), work = std::move(work),
               done = std::move(done)]() mutable {
    --queued_;
    base::Result<T> result = std::unexpected(base::Error{});
    if (waiting >= kQueueMax) {
      result = base::fail(base::Category::retry_later, fmt::format("{} file operations are waiting already", waiting));
    } else if (auto wanted = go_on(context); !wanted) {
      result = std::unexpected(std::move(wanted).error());
    } else {
      counter_.add_request(kind, context);
      result = work(context);
    }
    if (!result) counter_.add_failure(result.error());
    thread_.post([done = std::move(done), result = std::move(result)]() mutable { done(std::move(result)); });
  };
  if (closing_) return thread_.post(std::move(task));  // only to be told so
  workers_.post(std::move(task));
}

void FileStore::put(PutRequest request, CallContext context, Callback<PutResult> done) {
  run<PutResult>(
      &RequestCounts::put, std::move(context),
      [this, request = std::move(request)](const CallContext& c) { return do_put(request, c); }, std::move(done));
}

void FileStore::get(GetRequest request, CallContext context, Callback<base::Bytes> done) {
  run<base::Bytes>(
      &RequestCounts::get, std::move(context),
      [this, request = std::move(request)](const CallContext& c) {
        auto bytes = do_get(request);
        if (bytes) counter_.add_received(bytes->size(), c);
        return bytes;
      },
      std::move(done));
}

void FileStore::head(base::ObjectKey key, CallContext context, Callback<ObjectHead> done) {
  run<ObjectHead>(
      &RequestCounts::head, std::move(context),
      [this, key = std::move(key)](const CallContext&) { return do_head(key); }, std::move(done));
}

void FileStore::list(ListRequest request, CallContext context, Callback<ListPage> done) {
  run<ListPage>(
      &RequestCounts::list, std::move(context),
      [this, request = std::move(request)](const CallContext& c) {
        return list_tree(root_, request, [&] { return go_on(c); });
      },
      std::move(done));
}

void FileStore::remove(std::vector<base::ObjectKey> keys, CallContext context,
                       Callback<std::vector<RemoveFailure>> done) {
  run<std::vector<RemoveFailure>>(
      &RequestCounts::remove, std::move(context),
      [this, keys = std::move(keys)](const CallContext& c) { return do_remove(keys, c); }, std::move(done));
}

base::Result<PutResult> FileStore::do_put(const PutRequest& request, const CallContext& context) {
  TRY(check_file_key(request.key.value));
  const fs::path final_path = root_ / request.key.value;
  const bool must_be_new = request.on_existing == OnExisting::fail_with_conflict;
  const fs::path directory = final_path.parent_path();
  // Only saves writing it all first; the rename below decides. Whoever is told that an object exists may count on it,
  // also after a power cut, and the put that made it may have failed at exactly that.
  if (must_be_new && os::stat_path(final_path)) {
    TRY(os::sync_directory(directory));
    return base::fail(base::Category::conflict, request.key.value + " exists already");
  }
  TRY(directories_.make(directory));
  const fs::path temporary = directory / temporary_name(final_path.filename().string(), base::random_hex(16));
  auto stored = write_temporary(temporary, request, context);
  if (stored) {
    stored = must_be_new ? os::rename_no_replace(temporary, final_path) : os::rename_file(temporary, final_path);
  }
  if (!stored) {
    // The first error is the one worth telling; what stays behind is skipped by listings.
    const auto removed = os::remove_file(temporary);
    (void)removed;
    if (stored.error().category == base::Category::conflict) TRY(os::sync_directory(directory));
    return base::fail(stored.error().with_context("put " + request.key.value));
  }
  TRY(os::sync_directory(directory));
  leftovers_.remove_from(directory);
  counter_.add_sent(request.body->size_bytes(), context);
  return PutResult{};
}

base::Result<> FileStore::write_temporary(const fs::path& temporary, const PutRequest& request,
                                          const CallContext& context) {
  TRY_ASSIGN(os::File file, os::File::create_new(temporary));
  const std::uint64_t size_bytes = request.body->size_bytes();
  base::Bytes chunk(std::min(size_bytes, kChunkBytes));
  for (std::uint64_t offset = 0; offset < size_bytes; offset += chunk.size()) {
    TRY(go_on(context));
    chunk.resize(std::min(size_bytes - offset, kChunkBytes));
    TRY(request.body->read_at(offset, chunk));
    TRY(file.write_at(offset, chunk));
  }
  if (request.litestream_timestamp.count() != 0) {
    TRY(os::set_modified_time(temporary, request.litestream_timestamp));
  }
  return file.sync();
}

base::Result<base::Bytes> FileStore::do_get(const GetRequest& request) const {
  TRY(check_file_key(request.key.value));
  const fs::path path = root_ / request.key.value;
  TRY(stat_object(path, request.key));
  TRY_ASSIGN(const os::File file, os::File::open_read_only(path));
  TRY_ASSIGN(const os::FileStat stat, file.stat());
  TRY(check_range(request, stat.size_bytes));
  base::Bytes bytes(range_length(request, stat.size_bytes));
  TRY_ASSIGN(const std::size_t read, file.read_at(request.offset, bytes));
  if (read != bytes.size()) {
    return base::fail(base::Category::io, request.key.value + " became shorter while it was read");
  }
  return bytes;
}

base::Result<ObjectHead> FileStore::do_head(const base::ObjectKey& key) const {
  TRY(check_file_key(key.value));
  TRY_ASSIGN(const os::FileStat stat, stat_object(root_ / key.value, key));
  return ObjectHead{stat.size_bytes, modified_time(stat), modified_time(stat)};
}

base::Result<std::vector<RemoveFailure>> FileStore::do_remove(const std::vector<base::ObjectKey>& keys,
                                                              const CallContext& context) const {
  std::vector<RemoveFailure> failures;
  std::set<fs::path> touched;
  for (const auto& key : keys) {
    TRY(go_on(context));
    auto removed = check_file_key(key.value);
    if (removed) removed = os::remove_file(root_ / key.value);
    if (removed || removed.error().category == base::Category::not_found) {
      touched.insert((root_ / key.value).parent_path());
    } else {
      failures.push_back({key, removed.error()});
    }
  }
  for (const auto& directory : touched) {
    const auto synced = os::sync_directory(directory);
    if (!synced && synced.error().category != base::Category::not_found) return std::unexpected(synced.error());
  }
  return failures;
}

}  // namespace storage
