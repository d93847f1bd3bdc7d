// The blocking forms of object_store.h.
#include <memory>
#include <mutex>
#include <optional>

#include "base/check.h"
#include "storage/arrival.h"
#include "storage/object_store.h"

namespace storage {

namespace {

template <typename T>
class Answer {
 public:
  void give(base::Result<T> result) {
    const std::scoped_lock lock(mutex_);
    result_ = std::move(result);
    arrival_.announce();
  }
  base::Result<T> wait() {
    std::unique_lock lock(mutex_);
    while (!result_) arrival_.wait(lock);
    return std::move(*result_);
  }

 private:
  std::mutex mutex_;
  Arrival arrival_;
  std::optional<base::Result<T>> result_;
};

// Starts a call with a callback that keeps the answer, and waits for it.
template <typename T, typename Start>
base::Result<T> wait_for(Start start) {
  const auto answer = std::make_shared<Answer<T>>();
  start([answer](base::Result<T> result) { answer->give(std::move(result)); });
  return answer->wait();
}

}  // namespace

base::Result<> MemoryBody::read_at(std::uint64_t offset, base::MutableByteView out) const {
  if (offset > bytes_.size() || out.size() > bytes_.size() - offset) {
    return base::fail(base::Category::io, "body is shorter than what is read from it");
  }
  if (!out.empty()) std::memcpy(out.data(), bytes_.data() + offset, out.size());
  return {};
}

base::Result<PutResult> put_and_wait(ObjectStore& store, PutRequest request, CallContext context) {
  return wait_for<PutResult>(
      [&](Callback<PutResult> done) { store.put(std::move(request), std::move(context), std::move(done)); });
}

base::Result<base::Bytes> get_and_wait(ObjectStore& store, GetRequest request, CallContext context) {
  return wait_for<base::Bytes>(
      [&](Callback<base::Bytes> done) { store.get(std::move(request), std::move(context), std::move(done)); });
}

base::Result<ObjectHead> head_and_wait(ObjectStore& store, base::ObjectKey key, CallContext context) {
  return wait_for<ObjectHead>(
      [&](Callback<ObjectHead> done) { store.head(std::move(key), std::move(context), std::move(done)); });
}

base::Result<ListPage> list_and_wait(ObjectStore& store, ListRequest request, CallContext context) {
  return wait_for<ListPage>(
      [&](Callback<ListPage> done) { store.list(std::move(request), std::move(context), std::move(done)); });
}

base::Result<std::vector<ObjectInfo>> list_all_and_wait(ObjectStore& store, std::string prefix,
                                                        const CallContext& context) {
  std::vector<ObjectInfo> all;
  ListRequest request{.prefix = std::move(prefix), .start_after = {}};
  for (;;) {
    TRY_ASSIGN(ListPage page, list_and_wait(store, request, context));
    all.insert(all.end(), std::make_move_iterator(page.objects.begin()), std::make_move_iterator(page.objects.end()));
    if (!page.next_start_after) return all;
    // A store that hands out the same place again would keep us here for ever.
    if (*page.next_start_after <= request.start_after) {
      return base::fail(base::Category::corrupt, "listing does not advance past " + request.start_after);
    }
    request.start_after = *std::move(page.next_start_after);
  }
}

base::Result<std::vector<RemoveFailure>> remove_and_wait(ObjectStore& store, std::vector<base::ObjectKey> keys,
                                                         CallContext context) {
  return wait_for<std::vector<RemoveFailure>>([&](Callback<std::vector<RemoveFailure>> done) {
    store.remove(std::move(keys), std::move(context), std::move(done));
  });
}

}  // namespace storage
