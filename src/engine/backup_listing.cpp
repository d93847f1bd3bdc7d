#include "engine/backup_listing.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <tuple>

namespace engine {
namespace {

constexpr std::size_t kHeadsInFlight = 32;

// Heads of some objects; the answers come in any order.
class Heads {
 public:
  explicit Heads(std::size_t count) : answers_(count), missing_(count) {}

  void answer(std::size_t index, base::Result<storage::ObjectHead> head) {
    const std::scoped_lock lock(mutex_);
    answers_[index] = std::move(head);
    --missing_;
    changed_.notify_all();
  }
  void wait_until_missing(std::size_t at_most) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return missing_ <= at_most; });
  }
  std::vector<base::Result<storage::ObjectHead>>& answers() { return answers_; }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<base::Result<storage::ObjectHead>> answers_;
  std::size_t missing_;
};

std::vector<base::Result<storage::ObjectHead>> ask_heads(storage::ObjectStore& store,
                                                         const std::vector<history::BackupFile*>& files,
                                                         const storage::CallContext& context) {
  auto heads = std::make_shared<Heads>(files.size());
  for (std::size_t i = 0; i < files.size(); ++i) {
    heads->wait_until_missing(files.size() - i + kHeadsInFlight - 1);
    store.head(files[i]->key, context,
               [heads, i](base::Result<storage::ObjectHead> head) { heads->answer(i, std::move(head)); });
  }
  heads->wait_until_missing(0);
  return std::move(heads->answers());
}

// One level, ascending.
class LevelTimes {
 public:
  LevelTimes(storage::ObjectStore& store, std::vector<history::BackupFile*> files, base::UnixMillis time,
             const storage::CallContext& context)
      : store_(store), files_(std::move(files)), time_(time), context_(context) {}

  base::Result<> refine() {
    // By the listing alone: the first object that the store had at that time or later.
    const auto first_late =
        std::ranges::find_if(files_, [&](const auto* file) { return file->created_at >= time_; }) - files_.begin();
    TRY(search(first_late, first_late));
    return {};
  }

 private:
  // Objects that were stored later may have been created before: upwards until one was not. Objects that were stored
  // before may carry a later time where the writer's clock is ahead of the store's: downwards until one does not.
  base::Result<> search(std::ptrdiff_t up, std::ptrdiff_t down) {
    const auto end = std::ssize(files_);
    for (std::ptrdiff_t step = 1; up < end; step *= 2) {
      const auto next = std::min(up + step, end);
      TRY(ask(up, next));
      if (files_[static_cast<std::size_t>(next - 1)]->created_at >= time_) break;
      up = next;
    }
    for (std::ptrdiff_t step = 1; down > 0; step *= 2) {
      const auto next = std::max<std::ptrdiff_t>(down - step, 0);
      TRY(ask(next, down));
      if (files_[static_cast<std::size_t>(next)]->created_at < time_) break;
      down = next;
    }
    return {};
  }

  base::Result<> ask(std::ptrdiff_t first, std::ptrdiff_t last) {
    const std::vector<history::BackupFile*> asked(files_.begin() + first, files_.begin() + last);
    const auto heads = ask_heads(store_, asked, context_);
    for (std::size_t i = 0; i < asked.size(); ++i) {
      if (!heads[i]) return base::fail(heads[i].error().with_context(asked[i]->key.value));
      asked[i]->created_at = heads[i]->litestream_timestamp.value_or(asked[i]->created_at);
    }
    return {};
  }

  storage::ObjectStore& store_;
  std::vector<history::BackupFile*> files_;
  base::UnixMillis time_;
  const storage::CallContext& context_;
};

}  // namespace

base::Result<BackupListing> list_backup(storage::ObjectStore& store, std::string_view replica,
                                        const storage::CallContext& context) {
  TRY_ASSIGN(auto objects, storage::list_all_and_wait(store, std::string(replica) + "/", context));
  BackupListing listing;
  for (storage::ObjectInfo& object : objects) {
    if (const auto name = storage::parse_ltx_key(store.layout(), replica, object.key.value)) {
      listing.files.push_back({*name, std::move(object.key), object.size_bytes, object.last_modified});
    } else if (auto older = history::parse_generation_key(replica, object.key.value)) {
      older->size_bytes = object.size_bytes;
      older->created_at = object.last_modified;
      listing.generations.push_back(*std::move(older));
    }
  }
  return listing;
}

base::Result<> refine_times(storage::ObjectStore& store, std::vector<history::BackupFile>& files, base::UnixMillis time,
                            const storage::CallContext& context) {
  if (store.layout() == storage::KeyLayout::file) return {};
  for (std::uint8_t level = 0; level <= base::kSnapshotLevel.value; ++level) {
    std::vector<history::BackupFile*> of_level;
    for (history::BackupFile& file : files) {
      if (file.name.level.value == level) of_level.push_back(&file);
    }
    std::ranges::sort(of_level, {}, [](const auto* file) { return std::tuple(file->name.max, file->name.min); });
    TRY(LevelTimes(store, std::move(of_level), time, context).refine());
  }
  return {};
}

base::Result<> read_times(storage::ObjectStore& store, const std::vector<history::BackupFile*>& files,
                          const storage::CallContext& context) {
  if (store.layout() == storage::KeyLayout::file) return {};
  const auto heads = ask_heads(store, files, context);
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (!heads[i] && heads[i].error().category != base::Category::not_found) {
      return base::fail(heads[i].error().with_context(files[i]->key.value));
    }
    if (heads[i]) files[i]->created_at = heads[i]->litestream_timestamp.value_or(files[i]->created_at);
  }
  return {};
}

}  // namespace engine
