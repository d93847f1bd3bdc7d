#include "store.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "storage/call.h"

namespace simulation {

namespace {

World& world() {
  return World::current();
}
Fault fault() {
  return Machine::current().fault;
}

std::unexpected<base::Error> unavailable(const std::string& what) {
  return base::fail(base::Category::retry_later, what + ": no answer");
}

}  // namespace

base::Result<storage::PutResult> Bucket::put(const std::string& key, const base::Bytes& bytes,
                                             storage::OnExisting existing) {
  const auto it = objects_.find(key);
  if (it != objects_.end() && existing == storage::OnExisting::fail_with_conflict) {
    if (fault() == Fault::no_fence) {
      it->second.bytes = bytes;
      on_stored(key, bytes);
      return storage::PutResult{};
    }
    if (fault() == Fault::foreign_objects_are_ours) return storage::PutResult{};
    return base::fail(base::Category::conflict, "put " + key + ": it exists");
  }
  objects_[key] = {bytes, base::system_clock().unix_now()};
  if (world().records_lines()) world().note(fmt::format("bucket: {} is there, {} bytes", key, bytes.size()));
  world().hash(bytes.size());
  on_stored(key, bytes);
  return storage::PutResult{};
}

void Bucket::remove(const std::string& key) {
  const auto it = objects_.find(key);
  if (plan.lies_about_removals || it == objects_.end()) return;
  const auto next = objects_.erase(it);
  if (world().records_lines()) world().note(fmt::format("bucket: {} is removed", key));
  world().hash(key.size());
  on_removed(key);
  if (fault() == Fault::a_neighbour_is_removed && next != objects_.end()) {
    const std::string neighbour = next->first;
    objects_.erase(next);
    on_removed(neighbour);
  }
}

const Bucket::Stored* Bucket::find(const std::string& key) const {
  const auto it = objects_.find(key);
  return it == objects_.end() ? nullptr : &it->second;
}

Store::~Store() {
  refuse_all();
  *alive_ = false;
}

void Store::refuse_all() {
  closing_ = true;
  while (!tasks_.empty()) {
    storage::Task task = std::move(tasks_.begin()->second);
    tasks_.erase(tasks_.begin());
    task();
  }
}

void Store::run_at(Nanos time, storage::Task task) {
  const std::uint64_t number = ++task_numbers_;
  tasks_[number] = std::move(task);
  world().at(time, [this, number, alive = alive_] {
    if (!*alive) return;
    const auto it = tasks_.find(number);
    if (it == tasks_.end()) return;
    storage::Task ready = std::move(it->second);
    tasks_.erase(it);
    ready();
  });
}

void Store::post(storage::Task task) {
  if (closing_) return task();
  run_at(world().now(), std::move(task));
}

void Store::post_after(std::chrono::milliseconds delay, storage::Task task) {
  if (closing_) return task();
  run_at(world().now() + delay.count() * kMilli, std::move(task));
}

Store::Fate Store::draw() {
  Random& random = world().random();
  ++bucket_.counts.requests;
  if (bucket_.outage == Outage::refuses) {
    ++bucket_.counts.refused_by_outage;
    return Fate::fails_before;
  }
  if (bucket_.outage == Outage::swallows) {
    ++bucket_.counts.swallowed_by_outage;
    return Fate::swallowed;
  }
  if (world().faults_over) return Fate::answered;
  if (random.chance(bucket_.plan.fail_before)) {
    ++bucket_.counts.failed_before;
    return Fate::fails_before;
  }
  if (random.chance(bucket_.plan.fail_after)) {
    ++bucket_.counts.failed_after;
    return Fate::fails_after;
  }
  if (random.chance(bucket_.plan.land_later)) {
    ++bucket_.counts.landed_later;
    return Fate::lands_later;
  }
  return Fate::answered;
}

// `effect` is what the bucket does; it keeps its own copy of all it needs, since it may outlive this store.
template <typename T>
void Store::request(std::string what, storage::CallContext context, std::function<base::Result<T>()> effect,
                    storage::Callback<T> done) {
  if (closing_ || daemon_.dead) return done(base::fail(base::Category::cancelled, what + ": the store is closed"));
  if (auto wanted = storage::still_wanted(context, base::system_clock().steady_now()); !wanted) {
    return done(base::fail(wanted.error()));
  }
  Random& random = world().random();
  const Nanos max = random.chance(bucket_.plan.slow_chance) ? kSecond : bucket_.plan.latency_max;
  const Nanos lands = world().now() + random.between(20 * kMicro, max);
  const Nanos answers = lands + random.between(20 * kMicro, max);
  Fate fate = draw();
  if (world().records_lines()) {
    static constexpr const char* kFates[] = {"", " FAILS", " LOSES ITS ANSWER", " FAILS AND LANDS LATER",
                                             " GETS NO ANSWER"};
    world().note("store: " + what + kFates[static_cast<std::size_t>(fate)]);
  }
  auto result = std::make_shared<std::optional<base::Result<T>>>();
  const auto answer = [&](Nanos at) {
    run_at(at, [this, result, what, done = std::move(done)]() mutable {
      if (closing_ || !*result) {
        return done(closing_ ? base::fail(base::Category::cancelled, what + ": the store is closed")
                             : base::Result<T>(unavailable(what)));
      }
      done(std::move(**result));
    });
  };
  const auto later_effect = [&](Nanos at, bool answered) {
    world().at(at, [effect, result, answered] {
      auto made = effect();
      if (answered) *result = std::move(made);
    });
  };
  switch (fate) {
    case Fate::answered:
      later_effect(lands, true);
      return answer(answers);
    case Fate::fails_before:
      return answer(answers);
    case Fate::fails_after:
      later_effect(lands, false);
      return answer(answers);
    case Fate::lands_later:
      later_effect(lands + random.between(0, bucket_.plan.later_max), false);
      return answer(answers);
    case Fate::swallowed:  // a request's own time limit
      return answer(world().now() + 10 * kSecond);
  }
}

void Store::put(storage::PutRequest request_of, storage::CallContext context,
                storage::Callback<storage::PutResult> done) {
  auto bytes = std::make_shared<base::Bytes>(request_of.body->size_bytes());
  if (auto read = request_of.body->read_at(0, *bytes); !read) return done(base::fail(read.error()));
  const std::string key = request_of.key.value;
  const auto effect = [&bucket = bucket_, key, bytes, existing = request_of.on_existing] {
    return bucket.put(key, *bytes, existing);
  };
  if (fault() == Fault::acknowledged_before_the_answer && !closing_) {
    request<storage::PutResult>("put " + key, std::move(context), effect, [](auto&&) {});
    return run_at(world().now() + kMicro, [done = std::move(done)]() mutable { done(storage::PutResult{}); });
  }
  request<storage::PutResult>("put " + key, std::move(context), effect, std::move(done));
}

void Store::get(storage::GetRequest wanted, storage::CallContext context, storage::Callback<base::Bytes> done) {
  request<base::Bytes>(
      "get " + wanted.key.value, std::move(context),
      [&bucket = bucket_, wanted]() -> base::Result<base::Bytes> {
        const Bucket::Stored* object = bucket.find(wanted.key.value);
        if (object == nullptr) return base::fail(base::Category::not_found, "get " + wanted.key.value + ": not there");
        const base::Bytes& bytes = object->bytes;
        TRY(storage::check_range(wanted, bytes.size()));
        const auto first = bytes.begin() + static_cast<std::ptrdiff_t>(wanted.offset);
        return base::Bytes(first, first + static_cast<std::ptrdiff_t>(storage::range_length(wanted, bytes.size())));
      },
      std::move(done));
}

void Store::head(base::ObjectKey key, storage::CallContext context, storage::Callback<storage::ObjectHead> done) {
  request<storage::ObjectHead>(
      "head " + key.value, std::move(context),
      [&bucket = bucket_, key]() -> base::Result<storage::ObjectHead> {
        const Bucket::Stored* object = bucket.find(key.value);
        if (object == nullptr) return base::fail(base::Category::not_found, "head " + key.value + ": not there");
        return storage::ObjectHead{object->bytes.size(), object->at, std::nullopt};
      },
      std::move(done));
}

void Store::list(storage::ListRequest wanted, storage::CallContext context, storage::Callback<storage::ListPage> done) {
  request<storage::ListPage>(
      "list " + wanted.prefix, std::move(context),
      [&bucket = bucket_, wanted]() -> base::Result<storage::ListPage> {
        storage::ListPage page;
        auto it = wanted.start_after < wanted.prefix ? bucket.objects().lower_bound(wanted.prefix)
                                                     : bucket.objects().upper_bound(wanted.start_after);
        for (; it != bucket.objects().end() && it->first.starts_with(wanted.prefix); ++it) {
          if (page.objects.size() == storage::clamp_max_keys(wanted.max_keys)) {
            page.next_start_after = page.objects.back().key.value;
            break;
          }
          page.objects.push_back({base::ObjectKey{it->first}, it->second.bytes.size(), it->second.at});
        }
        return page;
      },
      std::move(done));
}

void Store::remove(std::vector<base::ObjectKey> keys, storage::CallContext context,
                   storage::Callback<std::vector<storage::RemoveFailure>> done) {
  request<std::vector<storage::RemoveFailure>>(
      fmt::format("remove {} objects", keys.size()), std::move(context),
      [&bucket = bucket_, keys]() -> base::Result<std::vector<storage::RemoveFailure>> {
        for (const base::ObjectKey& key : keys) bucket.remove(key.value);
        return std::vector<storage::RemoveFailure>{};
      },
      std::move(done));
}

}  // namespace simulation
