#include "storage/memory_store.h"

#include <algorithm>

#include <fmt/format.h>

#include "storage/call.h"

namespace storage {

namespace {

constexpr std::size_t kChunkBytes = 1U << 20;

std::uint64_t RequestCounts::* kind_counter(OperationKind kind) {
  switch (kind) {
    case OperationKind::put:
      return &RequestCounts::put;
    case OperationKind::get:
      return &RequestCounts::get;
    case OperationKind::head:
      return &RequestCounts::head;
    case OperationKind::list:
      return &RequestCounts::list;
    case OperationKind::remove:
      return &RequestCounts::remove;
  }
  return &RequestCounts::failed;
}

std::unexpected<base::Error> no_such_key(const base::ObjectKey& key) {
  return base::fail(base::Category::not_found, key.value + " does not exist");
}

}  // namespace

// An operation that is delayed or paused. Whatever comes first (time, resume, stop, deadline, closing) goes on with it.
struct MemoryStore::Waiting {
  std::move_only_function<void(base::Result<>)> go_on;
  std::unique_ptr<std::stop_callback<std::function<void()>>> on_stop;

  void end(base::Result<> how) {
    if (!go_on) return;
    on_stop.reset();
    auto next = std::move(go_on);
    go_on = nullptr;
    next(std::move(how));
  }
};

MemoryStore::MemoryStore(KeyLayout layout, const base::Clock& clock) : layout_(layout), clock_(clock) {}

MemoryStore::~MemoryStore() {
  thread_.post([this] {
    closing_ = true;
    auto paused = std::move(paused_);
    for (const auto& waiting : paused) waiting->end(base::fail(base::Category::cancelled, "store is being closed"));
  });
}

template <typename T>
void MemoryStore::run(Operation operation, CallContext context, std::move_only_function<base::Result<T>()> work,
                      Callback<T> done) {
  counter_.add_request(kind_counter(operation.kind), context);
  const Hold hold = state_.with([&](State& state) {
    state.operations.push_back(operation);
    return Hold{state.delay, state.paused ? state.pauses : 0};
  });
  thread_.post([this, hold, operation = std::move(operation), context = std::move(context), work = std::move(work),
                done = std::move(done)]() mutable {
    auto go_on = [this, operation = std::move(operation), work = std::move(work),
                  done = std::move(done)](base::Result<> how) mutable {
      const auto fault = how ? take_fault(operation) : std::nullopt;
      base::Result<T> result = std::unexpected(base::Error{});
      if (!how) {
        result = std::unexpected(how.error());
      } else if (fault && fault->point == FaultPoint::before) {
        result = std::unexpected(fault->error);
      } else {
        result = work();
        if (fault) result = std::unexpected(fault->error);
      }
      if (!result) counter_.add_failure(result.error());
      done(std::move(result));
    };
    wait_then(std::move(context), hold, std::move(go_on));
  });
}

void MemoryStore::wait_then(CallContext context, Hold hold, std::move_only_function<void(base::Result<>)> go_on) {
  if (closing_) return go_on(base::fail(base::Category::cancelled, "store is being closed"));
  if (auto wanted = still_wanted(context, clock_.steady_now()); !wanted) return go_on(std::move(wanted));
  const bool paused = hold.pause > resumed_;
  if (hold.delay.count() == 0 && !paused) return go_on({});

  auto waiting = std::make_shared<Waiting>();
  waiting->go_on = std::move(go_on);
  if (paused) paused_.push_back(waiting);
  if (!paused) {
    thread_.post_after(hold.delay, [this, waiting] {
      waiting->end(closing_ ? base::fail(base::Category::cancelled, "store is being closed") : base::Result<>());
    });
  }
  if (context.deadline) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(*context.deadline - clock_.steady_now());
    thread_.post_after(left, [waiting] { waiting->end(base::fail(base::Category::cancelled, "deadline passed")); });
  }
  waiting->on_stop = std::make_unique<std::stop_callback<std::function<void()>>>(context.stop, [this, waiting] {
    thread_.post([waiting] { waiting->end(base::fail(base::Category::cancelled, "stop requested")); });
  });
}

std::optional<MemoryStore::Fault> MemoryStore::take_fault(const Operation& operation) {
  return state_.with([&](State& state) -> std::optional<Fault> {
    const auto found =
        std::ranges::find_if(state.faults, [&](const Fault& fault) { return fault.predicate(operation); });
    if (found == state.faults.end()) return std::nullopt;
    Fault fault = *found;
    if (--found->times == 0) state.faults.erase(found);
    return fault;
  });
}

void MemoryStore::put(PutRequest request, CallContext context, Callback<PutResult> done) {
  Operation operation{OperationKind::put, request.key.value};
  run<PutResult>(
      std::move(operation), context, [this, request = std::move(request), context] { return do_put(request, context); },
      std::move(done));
}

void MemoryStore::get(GetRequest request, CallContext context, Callback<base::Bytes> done) {
  Operation operation{OperationKind::get, request.key.value};
  run<base::Bytes>(
      std::move(operation), context, [this, request = std::move(request), context] { return do_get(request, context); },
      std::move(done));
}

void MemoryStore::head(base::ObjectKey key, CallContext context, Callback<ObjectHead> done) {
  Operation operation{OperationKind::head, key.value};
  run<ObjectHead>(
      std::move(operation), std::move(context), [this, key = std::move(key)] { return do_head(key); }, std::move(done));
}

void MemoryStore::list(ListRequest request, CallContext context, Callback<ListPage> done) {
  Operation operation{OperationKind::list, request.prefix};
  run<ListPage>(
      std::move(operation), std::move(context), [this, request = std::move(request)] { return do_list(request); },
      std::move(done));
}

void MemoryStore::remove(std::vector<base::ObjectKey> keys, CallContext context,
                         Callback<std::vector<RemoveFailure>> done) {
  Operation operation{OperationKind::remove, keys.empty() ? std::string() : keys.front().value};
  run<std::vector<RemoveFailure>>(
      std::move(operation), std::move(context),
      [this, keys = std::move(keys)]() -> base::Result<std::vector<RemoveFailure>> {
        state_.with([&](State& state) {
          for (const auto& key : keys) state.objects.erase(key.value);
        });
        return std::vector<RemoveFailure>{};
      },
      std::move(done));
}

base::Result<PutResult> MemoryStore::do_put(const PutRequest& request, const CallContext& context) {
  base::Bytes bytes(request.body->size_bytes());
  for (std::size_t offset = 0; offset < bytes.size(); offset += kChunkBytes) {
    TRY(still_wanted(context, clock_.steady_now()));
    const std::size_t chunk_bytes = std::min(kChunkBytes, bytes.size() - offset);
    TRY(request.body->read_at(offset, base::MutableByteView(bytes).subspan(offset, chunk_bytes)));
  }
  counter_.add_sent(bytes.size(), context);
  return state_.with([&](State& state) -> base::Result<PutResult> {
    const auto found = state.objects.find(request.key.value);
    const bool conditional = state.honours_conditions && request.on_existing == OnExisting::fail_with_conflict;
    if (conditional && found != state.objects.end()) {
      return base::fail(base::Category::conflict, request.key.value + " exists already");
    }
    Object object{std::move(bytes), clock_.unix_now(), std::nullopt, ++state.last_version};
    if (request.litestream_timestamp.count() != 0) object.litestream_timestamp = request.litestream_timestamp;
    PutResult result{fmt::format("\"{}\"", object.version)};
    state.objects[request.key.value] = std::move(object);
    return result;
  });
}

base::Result<base::Bytes> MemoryStore::do_get(const GetRequest& request, const CallContext& context) {
  auto result = state_.with([&](State& state) -> base::Result<base::Bytes> {
    const auto found = state.objects.find(request.key.value);
    if (found == state.objects.end()) return no_such_key(request.key);
    const base::Bytes& bytes = found->second.bytes;
    TRY(check_range(request, bytes.size()));
    const base::ByteView part = base::ByteView(bytes).subspan(request.offset, range_length(request, bytes.size()));
    return base::Bytes(part.begin(), part.end());
  });
  if (result) counter_.add_received(result->size(), context);
  return result;
}

base::Result<ObjectHead> MemoryStore::do_head(const base::ObjectKey& key) {
  return state_.with([&](State& state) -> base::Result<ObjectHead> {
    const auto found = state.objects.find(key.value);
    if (found == state.objects.end()) return no_such_key(key);
    const Object& object = found->second;
    return ObjectHead{object.bytes.size(), object.last_modified, object.litestream_timestamp};
  });
}

base::Result<ListPage> MemoryStore::do_list(const ListRequest& request) {
  return state_.with([&](State& state) {
    ListPage page;
    const std::size_t keys_max = clamp_max_keys(request.max_keys);
    // Keys after start_after, and none that sort before the prefix.
    auto entry = request.start_after >= request.prefix ? state.objects.upper_bound(request.start_after)
                                                       : state.objects.lower_bound(request.prefix);
    for (; entry != state.objects.end() && entry->first.starts_with(request.prefix); ++entry) {
      if (page.objects.size() == keys_max) {
        page.next_start_after = page.objects.back().key.value;
        break;
      }
      page.objects.push_back({base::ObjectKey{entry->first}, entry->second.bytes.size(), entry->second.last_modified});
    }
    return page;
  });
}

void MemoryStore::fail_next(Predicate predicate, base::Error error, unsigned times, FaultPoint point) {
  if (times == 0) return;
  state_.with([&](State& state) { state.faults.push_back({std::move(predicate), std::move(error), times, point}); });
}

void MemoryStore::ignore_conditions() {
  state_.with([](State& state) { state.honours_conditions = false; });
}

void MemoryStore::set_delay(std::chrono::milliseconds delay) {
  state_.with([&](State& state) { state.delay = delay; });
}

void MemoryStore::pause() {
  state_.with([](State& state) {
    if (!std::exchange(state.paused, true)) ++state.pauses;
  });
}

void MemoryStore::resume() {
  const std::uint64_t pause = state_.with([](State& state) {
    state.paused = false;
    return state.pauses;
  });
  thread_.post([this, pause] {
    resumed_ = pause;
    auto paused = std::move(paused_);
    paused_.clear();
    for (const auto& waiting : paused) waiting->end({});
  });
}

std::vector<Operation> MemoryStore::operations() const {
  return state_.with([](const State& state) { return state.operations; });
}

std::vector<std::string> MemoryStore::keys() const {
  return state_.with([](const State& state) {
    std::vector<std::string> keys;
    keys.reserve(state.objects.size());
    for (const auto& [key, object] : state.objects) keys.push_back(key);
    return keys;
  });
}

std::optional<base::Bytes> MemoryStore::peek(const std::string& key) const {
  return state_.with([&](const State& state) -> std::optional<base::Bytes> {
    const auto found = state.objects.find(key);
    if (found == state.objects.end()) return std::nullopt;
    return found->second.bytes;
  });
}

}  // namespace storage
