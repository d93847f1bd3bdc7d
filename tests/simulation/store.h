// The bucket, and a store in front of it for each run of the daemon. Answers come in virtual time; requests fail before
// or after they took effect, take effect long after they failed, or meet an outage that refuses or swallows everything.
// A put is conditional at the moment when it lands.
#pragma once

#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "machine.h"
#include "storage/executor.h"
#include "storage/object_store.h"

namespace simulation {

struct StorePlan {
  Nanos latency_max = 20 * kMilli;
  double slow_chance = 0.01;  // takes up to a second
  double fail_before = 0, fail_after = 0, land_later = 0;
  bool lies_about_removals = false;  // they are answered, and nothing happens
  Nanos later_max = 60 * kSecond;
};

struct StoreCounts {
  std::uint64_t requests = 0, failed_before = 0, failed_after = 0, landed_later = 0, refused_by_outage = 0,
                swallowed_by_outage = 0;
};

enum class Outage : std::uint8_t { none, refuses, swallows };

class Bucket {
 public:
  struct Stored {
    base::Bytes bytes;
    base::UnixMillis at{0};
  };

  // A new object is there. Called once per key; a second time would be an overwrite, which is a violation of its own.
  std::function<void(const std::string& key, const base::Bytes& bytes)> on_stored;
  std::function<void(const std::string& key)> on_removed;  // it was there

  base::Result<storage::PutResult> put(const std::string& key, const base::Bytes& bytes, storage::OnExisting existing);
  void remove(const std::string& key);
  [[nodiscard]] const Stored* find(const std::string& key) const;
  [[nodiscard]] const std::map<std::string, Stored>& objects() const { return objects_; }

  StorePlan plan;
  Outage outage = Outage::none;
  StoreCounts counts;

 private:
  std::map<std::string, Stored> objects_;
};

// The daemon's end: what storage::RetryingStore wraps. Its thread is virtual time.
class Store final : public storage::ObjectStore, public storage::Executor {
 public:
  Store(Bucket& bucket, Process& daemon) : bucket_(bucket), daemon_(daemon) {}
  ~Store() override;
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;
  // From now on tasks run where they are posted: the owner is being destroyed.
  void begin_closing() { closing_ = true; }
  // Everything that is under way is answered now: cancelled.
  void refuse_all();

  void put(storage::PutRequest request, storage::CallContext context,
           storage::Callback<storage::PutResult> done) override;
  void get(storage::GetRequest request, storage::CallContext context, storage::Callback<base::Bytes> done) override;
  void head(base::ObjectKey key, storage::CallContext context, storage::Callback<storage::ObjectHead> done) override;
  void list(storage::ListRequest request, storage::CallContext context,
            storage::Callback<storage::ListPage> done) override;
  void remove(std::vector<base::ObjectKey> keys, storage::CallContext context,
              storage::Callback<std::vector<storage::RemoveFailure>> done) override;
  [[nodiscard]] storage::KeyLayout layout() const override { return storage::KeyLayout::s3; }
  [[nodiscard]] std::string display_url() const override { return "simulated://bucket"; }
  [[nodiscard]] storage::RequestCounts counts() const override { return {}; }

  void post(storage::Task task) override;
  void post_after(std::chrono::milliseconds delay, storage::Task task) override;

 private:
  struct Pending {
    storage::Task run;
  };
  enum class Fate : std::uint8_t { answered, fails_before, fails_after, lands_later, swallowed };
  Fate draw();
  template <typename T>
  void request(std::string what, storage::CallContext context, std::function<base::Result<T>()> effect,
               storage::Callback<T> done);
  void run_at(Nanos time, storage::Task task);

  Bucket& bucket_;
  Process& daemon_;
  bool closing_ = false;
  std::map<std::uint64_t, storage::Task> tasks_;
  std::uint64_t task_numbers_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace simulation
