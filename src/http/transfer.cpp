#include "http/transfer.h"

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <limits>
#include <mutex>
#include <set>
#include <thread>
#include <unordered_map>

#include <curl/curl.h>
#include <fmt/format.h>

#include "base/check.h"
#include "http/easy_transfer.h"

namespace http {

std::string_view to_string(Method method) {
  switch (method) {
    case Method::get:
      return "GET";
    case Method::head:
      return "HEAD";
    case Method::put:
      return "PUT";
    case Method::post:
      return "POST";
    case Method::erase:
      return "DELETE";
  }
  return "?";
}

std::string_view Response::header(std::string_view lower_case_name) const {
  const auto found = headers.find(std::string(lower_case_name));
  return found == headers.end() ? std::string_view{} : std::string_view(found->second);
}

std::string ca_file_from_environment() {
  for (const char* name : {"AWS_CA_BUNDLE", "SSL_CERT_FILE"}) {
    const char* value = std::getenv(name);
    if (value != nullptr && *value != '\0') return value;
  }
  return {};
}

// Everything but the inbox belongs to the loop's thread. Other threads only add tasks to the inbox and wake the loop.
class TransferLoop::Impl {
 public:
  explicit Impl(TransferOptions options) : options_(std::move(options)) {
    static const CURLcode initialised = curl_global_init(CURL_GLOBAL_DEFAULT);
    CHECK(initialised == CURLE_OK);
    multi_ = make_multi();
    thread_ = std::thread([this] { run(); });
  }

  ~Impl() {
    {
      const std::scoped_lock lock(mutex_);
      stopping_ = true;
      // Under the lock: once the loop sees `stopping_` it frees the handle.
      curl_multi_wakeup(multi_);
    }
    thread_.join();
  }

  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  void post(Task task) {
    const bool own_thread = std::this_thread::get_id() == thread_.get_id();
    const std::scoped_lock lock(
        mutex_);  // also over the wake-up: the loop changes the handle when it drops connections
    const bool was_empty = inbox_.empty();
    inbox_.push_back(std::move(task));
    // The loop empties the whole inbox, so a wake-up is under way already if there was something in it.
    if (was_empty && !own_thread) curl_multi_wakeup(multi_);
  }

  void post_after(std::chrono::milliseconds delay, Task task) {
    const base::SteadyTime due = std::chrono::steady_clock::now() + delay;
    post([this, due, task = std::move(task)]() mutable { timers_.emplace(due, std::move(task)); });
  }

  void start(Prepare prepare, CallLimits limits, Done done) {
    auto transfer = std::make_unique<Transfer>();
    transfer->prepare = std::move(prepare);
    transfer->limits = std::move(limits);
    transfer->done = std::move(done);
    post([this, transfer = std::move(transfer)]() mutable { accept(std::move(transfer)); });
  }

 private:
  using Timers = std::multimap<base::SteadyTime, Task>;
  using StopCallback = std::stop_callback<std::function<void()>>;

  struct Transfer {
    std::uint64_t id = 0;
    Prepare prepare;
    CallLimits limits;
    Done done;
    std::unique_ptr<EasyTransfer> easy;  // set while on the wire
    std::optional<Timers::iterator> deadline_timer;
    std::unique_ptr<StopCallback> on_stop;
  };

  CURLM* make_multi() const {
    CURLM* multi = curl_multi_init();
    CHECK(multi != nullptr);
    curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, static_cast<long>(options_.limits.connections_kept_max));
    return multi;
  }

  // Kept connections cost a descriptor and, with TLS, some 40 KiB each. libcurl drops them with their handle only.
  void drop_connections() {
    const std::scoped_lock lock(mutex_);
    curl_multi_cleanup(multi_);
    multi_ = make_multi();
    has_connections_ = false;
  }

  void run() {
    // OpenSSL writes to sockets without MSG_NOSIGNAL. The handle is freed here too, for the same reason: that ends the
    // kept TLS connections.
    sigset_t broken_pipe;
    sigemptyset(&broken_pipe);
    sigaddset(&broken_pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &broken_pipe, nullptr);
    loop();
    curl_multi_cleanup(multi_);
  }

  void loop() {
    for (;;) {
      const bool stopping = take_inbox();
      if (stopping) cancel_everything();
      run_due_timers(stopping);
      fill_slots();
      drive();
      if (stopping && transfers_.empty() && timers_.empty() && inbox_is_empty()) return;
      if (!stopping) wait();
    }
  }

  bool take_inbox() {
    std::vector<Task> tasks;
    bool stopping = false;
    {
      const std::scoped_lock lock(mutex_);
      tasks.swap(inbox_);
      stopping = stopping_;
    }
    draining_ = stopping;
    for (Task& task : tasks) task();
    return stopping;
  }

  bool inbox_is_empty() {
    const std::scoped_lock lock(mutex_);
    return inbox_.empty();
  }

  // Something for the loop to do came since it last looked.
  bool is_called() {
    const std::scoped_lock lock(mutex_);
    return stopping_ || !inbox_.empty();
  }

  void run_due_timers(bool all) {
    const base::SteadyTime now = std::chrono::steady_clock::now();
    while (!timers_.empty() && (all || timers_.begin()->first <= now)) {
      Task task = std::move(timers_.begin()->second);
      timers_.erase(timers_.begin());
      task();
    }
  }

  void accept(std::unique_ptr<Transfer> transfer) {
    if (draining_) return answer(*transfer, base::fail(base::Category::cancelled, "transfers are being shut down"));
    if (waiting_.size() >= options_.limits.waiting_max) {
      return answer(*transfer, base::fail(base::Category::retry_later,
                                          fmt::format("{} requests are waiting already", waiting_.size())));
    }
    const std::uint64_t id = ++last_id_;
    transfer->id = id;
    if (transfer->limits.deadline) {
      transfer->deadline_timer = timers_.emplace(*transfer->limits.deadline, [this, id] {
        // run_due_timers() has removed the timer itself.
        transfers_.at(id)->deadline_timer.reset();
        finish(id, base::fail(base::Category::cancelled, "deadline passed"));
      });
    }
    Transfer& accepted = *transfer;
    transfers_.emplace(id, std::move(transfer));
    waiting_.insert(id);
    if (accepted.limits.stop.stop_possible()) {
      accepted.on_stop = std::make_unique<StopCallback>(accepted.limits.stop, [this, id] {
        post([this, id] {
          if (transfers_.contains(id)) finish(id, base::fail(base::Category::cancelled, "stop requested"));
        });
      });
    }
  }

  void fill_slots() {
    while (in_flight_ < options_.limits.in_flight_max && !waiting_.empty()) {
      const std::uint64_t id = *waiting_.begin();
      waiting_.erase(waiting_.begin());
      if (auto begun = begin(*transfers_.at(id)); !begun) finish(id, std::unexpected(std::move(begun).error()));
    }
  }

  base::Result<> begin(Transfer& transfer) {
    TRY_ASSIGN(Request request, transfer.prepare());
    transfer.prepare = nullptr;
    auto easy = std::make_unique<EasyTransfer>(std::move(request), options_);
    TRY(easy->set_up());
    curl_easy_setopt(easy->handle(), CURLOPT_PRIVATE, &transfer);
    if (curl_multi_add_handle(multi_, easy->handle()) != CURLM_OK) {
      return base::fail(base::Category::io, "out of memory for a transfer");
    }
    transfer.easy = std::move(easy);
    ++in_flight_;
    has_connections_ = true;
    last_active_ = std::chrono::steady_clock::now();
    return {};
  }

  void drive() {
    if (in_flight_ == 0) return;
    int running = 0;
    curl_multi_perform(multi_, &running);
    int left = 0;
    while (CURLMsg* message = curl_multi_info_read(multi_, &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      const CURLcode code = message->data.result;  // the message dies with the handle
      Transfer* transfer = nullptr;
      curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
      finish(transfer->id, transfer->easy->finish(code));
    }
  }

  void finish(std::uint64_t id, base::Result<Response> result) {
    auto node = transfers_.extract(id);
    CHECK(!node.empty());
    Transfer& transfer = *node.mapped();
    waiting_.erase(id);
    if (transfer.deadline_timer) timers_.erase(*transfer.deadline_timer);
    transfer.on_stop.reset();
    if (transfer.easy) {
      curl_multi_remove_handle(multi_, transfer.easy->handle());
      transfer.easy.reset();
      --in_flight_;
    }
    answer(transfer, std::move(result));
  }

  static void answer(Transfer& transfer, base::Result<Response> result) {
    transfer.prepare = nullptr;
    transfer.done(std::move(result));
  }

  void cancel_everything() {
    while (!transfers_.empty()) {
      finish(transfers_.begin()->first, base::fail(base::Category::cancelled, "transfers are being shut down"));
    }
  }

  void wait() {
    using std::chrono::milliseconds;
    if (is_called()) return;
    // Without a slot's end, a timer or a wake-up nothing can happen, so sleep as long as libcurl lets us (24 days).
    milliseconds timeout{std::numeric_limits<int>::max()};
    if (!timers_.empty()) {
      const auto left = timers_.begin()->first - std::chrono::steady_clock::now();
      timeout = std::clamp(std::chrono::ceil<milliseconds>(left), milliseconds(0), timeout);
    }
    const base::SteadyTime now = std::chrono::steady_clock::now();
    if (in_flight_ > 0) {
      last_active_ = now;
    } else if (has_connections_ && now - last_active_ >= options_.limits.connections_kept_for) {
      drop_connections();
      if (is_called()) return;  // the wake-up went to the handle that is gone
    } else if (has_connections_) {
      const auto left = std::chrono::ceil<milliseconds>(last_active_ + options_.limits.connections_kept_for - now);
      timeout = std::min(timeout, left);
    }
    // Freed slots with requests waiting for them.
    if (in_flight_ < options_.limits.in_flight_max && !waiting_.empty()) timeout = milliseconds(0);
    curl_multi_poll(multi_, nullptr, 0, static_cast<int>(timeout.count()), nullptr);
  }

  const TransferOptions options_;
  CURLM* multi_ = nullptr;
  std::uint64_t last_id_ = 0;
  std::size_t in_flight_ = 0;
  bool has_connections_ = false;  // some may be kept
  base::SteadyTime last_active_{};
  bool draining_ = false;
  std::unordered_map<std::uint64_t, std::unique_ptr<Transfer>> transfers_;  // waiting and on the wire
  std::set<std::uint64_t> waiting_;                                         // ids grow, so this is the order of arrival
  Timers timers_;

  std::mutex mutex_;
  std::vector<Task> inbox_;  // guarded by mutex_
  bool stopping_ = false;    // guarded by mutex_
  std::thread thread_;       // last: starts when everything above exists
};

TransferLoop::TransferLoop(TransferOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
TransferLoop::~TransferLoop() = default;

void TransferLoop::start(Prepare prepare, CallLimits limits, Done done) {
  impl_->start(std::move(prepare), std::move(limits), std::move(done));
}

void TransferLoop::start(Request request, CallLimits limits, Done done) {
  impl_->start([request = std::move(request)]() mutable -> base::Result<Request> { return std::move(request); },
               std::move(limits), std::move(done));
}

void TransferLoop::post(Task task) {
  impl_->post(std::move(task));
}

void TransferLoop::post_after(std::chrono::milliseconds delay, Task task) {
  impl_->post_after(delay, std::move(task));
}

}  // namespace http
