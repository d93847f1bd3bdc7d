// A store in memory, with faults on order: what the engine's tests run against. Behaves as the others do (one suite,
// tests/conformance, holds all of them to that).
//
// Faults, delays and pauses may be set from any thread and apply to operations that begin afterwards. A delayed or
// paused operation still ends at once on stop, deadline or destruction.
#pragma once

#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/guarded.h"
#include "storage/counter.h"
#include "storage/object_store.h"
#include "storage/task_thread.h"

namespace storage {

enum class OperationKind { put, get, head, list, remove };

struct Operation {
  OperationKind kind = OperationKind::put;
  std::string key;  // of list: the prefix; of remove: the first key
  friend bool operator==(const Operation&, const Operation&) = default;
};

class MemoryStore final : public ObjectStore {
 public:
  using Predicate = std::function<bool(const Operation&)>;
  enum class FaultPoint {
    before,  // nothing happens
    after,   // the operation takes effect and its answer is lost
  };

  explicit MemoryStore(KeyLayout layout = KeyLayout::s3, const base::Clock& clock = base::system_clock());
  ~MemoryStore() override;

  void put(PutRequest request, CallContext context, Callback<PutResult> done) override;
  void get(GetRequest request, CallContext context, Callback<base::Bytes> done) override;
  void head(base::ObjectKey key, CallContext context, Callback<ObjectHead> done) override;
  void list(ListRequest request, CallContext context, Callback<ListPage> done) override;
  void remove(std::vector<base::ObjectKey> keys, CallContext context,
              Callback<std::vector<RemoveFailure>> done) override;
  [[nodiscard]] KeyLayout layout() const override { return layout_; }
  [[nodiscard]] std::string display_url() const override { return "memory://"; }
  [[nodiscard]] RequestCounts counts() const override { return counter_.counts(); }
  Executor& executor() { return thread_; }

  // The next `times` operations for which `predicate` is true fail with `error`. Faults are asked in the order they
  // were set; the first that matches is used up.
  void fail_next(Predicate predicate, base::Error error, unsigned times = 1, FaultPoint point = FaultPoint::before);
  // From now on: a store that does not know conditional puts.
  void ignore_conditions();
  // Every operation takes so long.
  void set_delay(std::chrono::milliseconds delay);
  // Operations that begin wait until resume(): a store that accepts but does not answer.
  void pause();
  void resume();

  // Every operation that has begun, in order, failed ones included.
  [[nodiscard]] std::vector<Operation> operations() const;
  [[nodiscard]] std::vector<std::string> keys() const;
  // What is stored, without counting as an operation. nullopt if absent.
  [[nodiscard]] std::optional<base::Bytes> peek(const std::string& key) const;

 private:
  struct Object {
    base::Bytes bytes;
    base::UnixMillis last_modified{0};
    std::optional<base::UnixMillis> litestream_timestamp;
    std::uint64_t version = 0;
  };
  struct Fault {
    Predicate predicate;
    base::Error error;
    unsigned times = 1;
    FaultPoint point = FaultPoint::before;
  };
  struct State {
    std::map<std::string, Object> objects;
    std::list<Fault> faults;
    std::vector<Operation> operations;
    std::chrono::milliseconds delay{0};
    bool paused = false;
    bool honours_conditions = true;
    std::uint64_t pauses = 0;  // so far; numbers them from 1
    std::uint64_t last_version = 0;
  };
  // What holds an operation up, as it was when the operation began.
  struct Hold {
    std::chrono::milliseconds delay{0};
    std::uint64_t pause = 0;  // number of the pause it fell into; 0: none
  };
  struct Waiting;

  template <typename T>
  void run(Operation operation, CallContext context, std::move_only_function<base::Result<T>()> work, Callback<T> done);
  void wait_then(CallContext context, Hold hold, std::move_only_function<void(base::Result<>)> go_on);
  std::optional<Fault> take_fault(const Operation& operation);

  base::Result<PutResult> do_put(const PutRequest& request, const CallContext& context);
  base::Result<base::Bytes> do_get(const GetRequest& request, const CallContext& context);
  base::Result<ObjectHead> do_head(const base::ObjectKey& key);
  base::Result<ListPage> do_list(const ListRequest& request);

  const KeyLayout layout_;
  const base::Clock& clock_;
  RequestCounter counter_;
  base::Guarded<State> state_;
  std::list<std::shared_ptr<Waiting>> paused_;  // store's thread only
  std::uint64_t resumed_ = 0;                   // store's thread only: the last pause that has ended
  bool closing_ = false;                        // store's thread only
  TaskThread thread_;                           // last: its tasks use the members above
};

}  // namespace storage
