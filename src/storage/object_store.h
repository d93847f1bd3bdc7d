// The one interface to where backups live. Implementations: memory (tests), file (Litestream's file layout), s3.
// storage/conformance runs one suite over all of them.
//
// Asynchronous: a call returns at once and the callback runs exactly once, on the store's own thread, also after
// stop or deadline (Category::cancelled). A callback must not block and must not destroy the store. Any thread may
// call. The store owns what it is given until the callback has run. Destroying the store cancels what is in flight and
// waits for its callbacks.
//
// One call is one attempt: retry lives in RetryingStore (storage/retry.h) and nowhere else.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/types.h"

namespace storage {

// Bytes to upload; may be read several times and from any offset (parts, retries), from the store's thread. Must return
// the same bytes every time.
class Body {
 public:
  virtual ~Body() = default;
  [[nodiscard]] virtual std::uint64_t size_bytes() const = 0;
  // Fills `out` completely from `offset`; Category::io if the source fails or is too short.
  virtual base::Result<> read_at(std::uint64_t offset, base::MutableByteView out) const = 0;
};

class MemoryBody final : public Body {
 public:
  explicit MemoryBody(base::Bytes bytes) : bytes_(std::move(bytes)) {}
  [[nodiscard]] std::uint64_t size_bytes() const override { return bytes_.size(); }
  base::Result<> read_at(std::uint64_t offset, base::MutableByteView out) const override;
  [[nodiscard]] const base::Bytes& bytes() const { return bytes_; }

 private:
  base::Bytes bytes_;
};

// As a provider's bill tells requests apart. What an upload in parts sends is put, but for its abort.
enum class RequestKind : std::uint8_t { put, get, list, head, remove };
inline constexpr std::size_t kRequestKinds = 5;

// Hears of each request that a call sends: attempts, parts, pages and batches one by one, as they are billed. Called on
// any thread, must not block, and may be called for a moment after the call was answered.
class RequestObserver {
 public:
  virtual ~RequestObserver() = default;
  virtual void on_request(RequestKind kind) = 0;
  virtual void on_bytes(std::uint64_t sent, std::uint64_t received) = 0;
};

// Limits of one call. A default deadline (none) means the implementation's own per-request timeouts apply.
struct CallContext {
  std::optional<base::SteadyTime> deadline;
  std::stop_token stop;
  std::shared_ptr<RequestObserver> observer = nullptr;  // none: nobody wants to know
};

enum class OnExisting { overwrite, fail_with_conflict };

struct PutRequest {
  base::ObjectKey key;
  std::shared_ptr<const Body> body;
  // fail_with_conflict: publish only if the key does not exist, atomically (If-None-Match: *, link(2)); otherwise
  // Category::conflict, and what stands there lasts. Where the store ignores conditions, see probe_conditional_put().
  OnExisting on_existing = OnExisting::fail_with_conflict;
  // The LTX header's timestamp: S3 metadata `litestream-timestamp`, mtime of a file.
  base::UnixMillis litestream_timestamp{0};
};

struct PutResult {
  std::string etag;  // empty where the store has none
};

struct GetRequest {
  base::ObjectKey key;
  std::uint64_t offset = 0;
  std::optional<std::uint64_t> length;  // none: to the end
  // Where a call that fails half way may leave what it had received from `offset` on, so that the next one goes on
  // behind it. RetryingStore does that; other callers leave it empty.
  std::shared_ptr<base::Bytes> keep_partial = nullptr;
};

struct ObjectInfo {
  base::ObjectKey key;
  std::uint64_t size_bytes = 0;
  base::UnixMillis last_modified{0};
};

struct ObjectHead {
  std::uint64_t size_bytes = 0;
  base::UnixMillis last_modified{0};
  std::optional<base::UnixMillis> litestream_timestamp;
};

struct ListRequest {
  std::string prefix;       // of the key; need not end at a '/'
  std::string start_after;  // keys strictly after this one; empty: from the beginning
  std::uint32_t max_keys = 1000;
};

struct ListPage {
  std::vector<ObjectInfo> objects;  // ascending by key bytes
  // Set if there is more: pass it as the next start_after.
  std::optional<std::string> next_start_after;
};

struct RemoveFailure {
  base::ObjectKey key;
  base::Error error;
};

template <typename T>
using Callback = std::move_only_function<void(base::Result<T>)>;

// How level folders are spelled (format dossier section 3.1); chosen by the kind of store.
enum class KeyLayout { s3, file };

// Requests and bytes since start, by kind, whoever sent them.
struct RequestCounts {
  std::uint64_t put = 0, get = 0, head = 0, list = 0, remove = 0, multipart = 0;
  std::uint64_t failed = 0, retried = 0;
  std::uint64_t refused = 0;  // conditional PUTs of a key that exists: an answer, no failure
  std::uint64_t bytes_sent = 0, bytes_received = 0;
};

class ObjectStore {
 public:
  virtual ~ObjectStore() = default;

  virtual void put(PutRequest request, CallContext context, Callback<PutResult> done) = 0;
  // not_found if the key does not exist. A range that starts at or past the end is Category::invalid.
  virtual void get(GetRequest request, CallContext context, Callback<base::Bytes> done) = 0;
  virtual void head(base::ObjectKey key, CallContext context, Callback<ObjectHead> done) = 0;
  virtual void list(ListRequest request, CallContext context, Callback<ListPage> done) = 0;
  // Any number of keys; batches of 1,000. A key that does not exist counts as removed. The result lists what failed.
  virtual void remove(std::vector<base::ObjectKey> keys, CallContext context,
                      Callback<std::vector<RemoveFailure>> done) = 0;

  [[nodiscard]] virtual KeyLayout layout() const = 0;
  // For people: "s3://bucket/prefix" or "file:///dir". Never holds a secret.
  [[nodiscard]] virtual std::string display_url() const = 0;
  [[nodiscard]] virtual RequestCounts counts() const = 0;
};

// Blocking forms for command line tools and tests: call, wait, return. Never call them from a store's callback.
base::Result<PutResult> put_and_wait(ObjectStore& store, PutRequest request, CallContext context = {});
base::Result<base::Bytes> get_and_wait(ObjectStore& store, GetRequest request, CallContext context = {});
base::Result<ObjectHead> head_and_wait(ObjectStore& store, base::ObjectKey key, CallContext context = {});
base::Result<ListPage> list_and_wait(ObjectStore& store, ListRequest request, CallContext context = {});
// All pages of a listing, in order.
base::Result<std::vector<ObjectInfo>> list_all_and_wait(ObjectStore& store, std::string prefix,
                                                        const CallContext& context = {});
base::Result<std::vector<RemoveFailure>> remove_and_wait(ObjectStore& store, std::vector<base::ObjectKey> keys,
                                                         CallContext context = {});

}  // namespace storage
