#include "cli/operation_queue.h"

#include <algorithm>
#include <ranges>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/bytes.h"
#include "base/log.h"
#include "base/random.h"
#include "cli/operation_target.h"
#include "cli/point_in_time.h"
#include "engine/restore.h"
#include "os/file.h"
#include "os/memory.h"

namespace cli {

using base::Category;
using web::Operation;
using web::OperationKind;
using web::OperationState;

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kIdDigits = 16;
// Less than the command takes: capture goes on beside it.
constexpr unsigned kRequests = 8;
constexpr std::uint64_t kWaitingBytes = 8U << 20;
// No unfinished file is kept for a next time: who cancels wants nothing left.
constexpr std::uint64_t kNoCheckpoints = UINT64_MAX;
constexpr std::size_t kFindingsMax = 20;
constexpr std::uint64_t kRoomEveryBytes = 8U << 20;  // read, until the disk is looked at again

base::UnixMillis now() {
  return base::system_clock().unix_now();
}

std::string note_of(const engine::RestoreReport& report) {
  std::string note = report.integrity_note ? "SQLite's check was not finished: " + *report.integrity_note : "";
  if (!report.damaged.empty()) {
    note += fmt::format("{}{} damaged objects were done without, the first: {}", note.empty() ? "" : "; ",
                        report.damaged.size(), report.damaged.front());
  }
  return note;
}

web::OperationResult to_result(const engine::VerifyReport& report) {
  web::OperationResult result;
  result.txid = report.state.txid.value;
  result.time = report.state.timestamp;
  result.bytes = std::uint64_t{report.state.page_size} * report.state.pages;
  result.note = report.source_note;
  result.verdict = to_string(report.verdict);
  result.source_equal = report.source == engine::SourceComparison::equal;
  result.findings_total = report.findings.size();
  for (const engine::Finding& finding : report.findings) {
    if (result.findings.size() == kFindingsMax) break;
    result.findings.push_back(
        {.verdict = std::string(to_string(finding.verdict)), .object = finding.object, .text = finding.text});
  }
  return result;
}

class FileBody final : public web::BodySource {
 public:
  FileBody(os::File file, std::uint64_t size_bytes) : file_(std::move(file)), size_bytes_(size_bytes) {}
  [[nodiscard]] std::uint64_t size_bytes() const override { return size_bytes_; }
  base::Result<std::size_t> read_at(std::uint64_t offset, base::MutableByteView out) override {
    return file_.read_at(offset, out);
  }

 private:
  os::File file_;
  std::uint64_t size_bytes_;
};

}  // namespace

// Only `shown` and `expires` change, under the queue's lock, and of `shown` never kind and request.
struct OperationQueue::Job {
  Operation shown;
  std::shared_ptr<const engine::ClientStatus> client;
  history::RestoreTarget target;
  std::stop_source stop;
  std::optional<base::SteadyTime> expires;  // a download's file is there
};

// Deleting a large file may take long, and the web server's thread waits for the lock.
struct OperationQueue::Discarded {
  Discarded() = default;
  Discarded(const Discarded&) = delete;
  Discarded& operator=(const Discarded&) = delete;
  ~Discarded() { delete_now(); }

  void delete_now() {
    for (const fs::path& file : std::exchange(files, {})) {
      if (auto removed = os::remove_file(file); !removed) {
        base::log::warn("a download cannot be deleted", {{"reason", removed.error()}});
      }
    }
  }

  std::vector<fs::path> files;
};

OperationQueue::OperationQueue(OperationQueueOptions options, storage::ObjectStore& store,
                               const engine::StatusBoard& board, engine::Bill& bill, VerifyClient verify)
    : options_(std::move(options)), store_(store), board_(board), bill_(bill), verify_(std::move(verify)) {
  clear_downloads(options_.state_directory);
}

OperationQueue::~OperationQueue() {
  stop();
  clear_downloads(options_.state_directory);
}

base::Result<Operation> OperationQueue::start_restore(web::RestoreRequest request) {
  auto job = std::make_shared<Job>();
  if (!request.at.empty()) {
    auto before = parse_point_in_time(request.at, now());
    if (!before) return base::fail(before.error().with_context("\"at\""));
    job->target.before = *before;
  }
  if (request.txid) job->target.txid = base::Txid{*request.txid};
  if (!request.download) {
    TRY_ASSIGN(const fs::path target, check_target(request.to, options_.state_directory));
    request.to = target.string();
  }
  job->shown.kind = OperationKind::restore;
  job->shown.request = std::move(request);
  return enqueue(std::move(job));
}

base::Result<Operation> OperationQueue::start_verification(const std::string& client_id) {
  if (!verify_) return base::fail(Category::unsupported, "backups cannot be verified here; the daemon's log says why");
  auto job = std::make_shared<Job>();
  job->shown.kind = OperationKind::verification;
  job->shown.request.client_id = client_id;
  return enqueue(std::move(job));
}

base::Result<Operation> OperationQueue::enqueue(std::shared_ptr<Job> job) {
  const std::string& client_id = job->shown.request.client_id;
  job->client = board_.find(client_id);
  if (!job->client) {
    return base::fail(Category::invalid,
                      fmt::format("\"clientId\": no client {} is known here; /api/status lists them, and the command "
                                  "litestream-manager restore also restores what only the bucket knows",
                                  client_id.substr(0, 64)));
  }
  Discarded discarded;  // deleted after unlocking
  const std::scoped_lock lock(mutex_);
  discard_expired(discarded);
  if (stopping_) return base::fail(Category::retry_later, "the daemon is stopping; ask again after its next start");
  const auto queued =
      std::ranges::count_if(jobs_, [](const auto& j) { return j->shown.state == OperationState::queued; });
  if (std::cmp_greater_equal(queued, options_.queued_max)) {
    return base::fail(Category::throttled, fmt::format("{} operations wait already; cancel some, or wait", queued));
  }
  const auto downloads = std::ranges::count_if(
      jobs_, [](const auto& j) { return j->shown.request.download && (j->expires || !is_over(j->shown.state)); });
  if (job->shown.request.download && std::cmp_greater_equal(downloads, options_.downloads_max)) {
    return base::fail(Category::throttled, fmt::format("{} downloads are kept or under way, which is the most; each is "
                                                       "deleted an hour after it was made",
                                                       downloads));
  }
  job->shown.id = base::random_hex(kIdDigits);
  job->shown.queued = now();
  Operation answer = job->shown;
  jobs_.push_back(std::move(job));
  shorten_list(discarded);
  if (!thread_.joinable()) thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
  changed_.notify_all();
  base::log::info("operation queued", {{"operation", answer.id},
                                       {"kind", to_string(answer.kind)},
                                       {"client", answer.request.client_id},
                                       {"to", answer.request.download ? "a download" : answer.request.to}});
  return answer;
}

std::vector<Operation> OperationQueue::list() const {
  const std::scoped_lock lock(mutex_);
  std::vector<Operation> newest_first;
  newest_first.reserve(jobs_.size());
  for (const auto& job : jobs_ | std::views::reverse) newest_first.push_back(job->shown);
  return newest_first;
}

std::optional<Operation> OperationQueue::find(std::string_view id) const {
  const std::scoped_lock lock(mutex_);
  const auto job = job_of(id);
  return job ? std::optional(job->shown) : std::nullopt;
}

base::Result<Operation> OperationQueue::cancel(std::string_view id) {
  const std::scoped_lock lock(mutex_);
  const auto job = job_of(id);
  if (!job) return base::fail(Category::not_found, "there is no such operation; the last ones are at /api/operations");
  if (is_over(job->shown.state)) {
    return base::fail(Category::conflict, fmt::format("operation {} is over: it {}", job->shown.id,
                                                      job->shown.state == OperationState::cancelled
                                                          ? "was cancelled"
                                                          : std::string(to_string(job->shown.state))));
  }
  if (job->shown.state == OperationState::queued) {
    end(*job, OperationState::cancelled);
  } else {
    job->shown.cancelling = true;
    job->stop.request_stop();
  }
  return job->shown;
}

base::Result<web::Download> OperationQueue::open_download(std::string_view id) {
  std::shared_ptr<Job> job;
  Operation shown;
  {
    Discarded discarded;
    const std::scoped_lock lock(mutex_);
    discard_expired(discarded);
    job = job_of(id);
    if (!job)
      return base::fail(Category::not_found, "there is no such operation; the last ones are at /api/operations");
    shown = job->shown;
  }
  if (!shown.request.download) {
    return base::fail(Category::conflict, "this operation is no download; start one with \"download\": true");
  }
  if (shown.state != OperationState::succeeded) {
    return base::fail(Category::conflict,
                      fmt::format("the file is not there: the operation is {}", to_string(shown.state)));
  }
  auto file = os::File::open_read_only(download_path(shown.id));
  if (!file) {
    if (file.error().category != Category::not_found) return base::fail(std::move(file).error());
    return base::fail(Category::not_found, "the file was deleted, an hour after it was made; restore it again");
  }
  TRY_ASSIGN(const os::FileStat stat, file->stat());
  return web::Download{.name = fmt::format("{}-{}.db", shown.request.client_id, base::hex16(shown.result->txid)),
                       .file = std::make_shared<FileBody>(*std::move(file), stat.size_bytes)};
}

void OperationQueue::begin_stop() {
  const std::scoped_lock lock(mutex_);
  stopping_ = true;
  for (const auto& job : jobs_) {
    if (job->shown.state == OperationState::queued) end(*job, OperationState::cancelled);
    job->stop.request_stop();
  }
  thread_.request_stop();
}

void OperationQueue::stop() {
  begin_stop();
  if (thread_.joinable()) thread_.join();
}

void OperationQueue::run(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    if (Discarded discarded; discard_expired(discarded)) {
      lock.unlock();
      discarded.delete_now();
      lock.lock();
    }
    const auto job = next_queued();
    if (!job) {
      const auto work_is_there = [this] { return next_queued() != nullptr; };
      if (const auto expiry = next_expiry()) {
        changed_.wait_until(lock, stop, *expiry, work_is_there);
      } else {
        changed_.wait(lock, stop, work_is_there);
      }
      continue;
    }
    job->shown.state = OperationState::running;
    job->shown.started = now();
    lock.unlock();
    Outcome outcome = job->shown.kind == OperationKind::restore ? restore(*job) : verify(*job);
    os::give_back_free_memory();
    lock.lock();
    finish(*job, std::move(outcome));
  }
}

engine::OnDownloadProgress OperationQueue::progress_of(Job& job) {
  return [this, &job](const engine::DownloadProgress& progress) {
    Discarded discarded;
    const std::scoped_lock lock(mutex_);
    discard_expired(discarded);
    job.shown.progress = {.bytes_done = progress.bytes_done,
                          .bytes_total = progress.bytes_total,
                          .objects_done = progress.objects_done,
                          .objects_total = progress.objects_total};
  };
}

OperationQueue::Outcome OperationQueue::restore(Job& job) {
  const web::RestoreRequest& request = job.shown.request;
  if (request.download) TRY(make_downloads_folder(options_.state_directory));
  engine::RestoreOptions options;
  options.output = request.download ? download_path(job.shown.id) : fs::path(request.to);
  TRY(check_room(options.output.parent_path(), job.client->database_bytes));
  options.target = job.target;
  options.parallel_downloads = kRequests;
  options.waiting_bytes_max = kWaitingBytes;
  options.checkpoint_bytes = kNoCheckpoints;
  options.for_its_maker_alone = true;
  // The state that is wanted may be larger than today's.
  base::Result<> room;
  std::uint64_t looked_at = 0;
  options.on_progress = [&, show = progress_of(job)](const engine::DownloadProgress& progress) {
    show(progress);
    if (progress.bytes_done >= looked_at && progress.bytes_done < looked_at + kRoomEveryBytes) return;
    looked_at = progress.bytes_done;
    if (room) room = check_room(options.output.parent_path(), 0);
    if (!room) job.stop.request_stop();
  };
  options.context.stop = job.stop.get_token();
  options.context.observer = bill_.charge(engine::Purpose::recovery, engine::parse_guid(request.client_id));
  const auto restored = engine::restore(store_, job.client->replica_path, options);
  if (!room) return base::fail(std::move(room).error());
  TRY_ASSIGN(const auto report, restored);
  web::OperationResult result;
  result.txid = report.txid.value;
  result.time = report.timestamp;
  result.bytes = std::uint64_t{report.page_size} * report.pages;
  result.note = note_of(report);
  return result;
}

OperationQueue::Outcome OperationQueue::verify(Job& job) {
  TRY_ASSIGN(const auto report, verify_(*job.client, job.stop.get_token(), progress_of(job)));
  return to_result(report);
}

fs::path OperationQueue::download_path(const std::string& id) const {
  return downloads_folder(options_.state_directory) / (id + ".db");
}

std::shared_ptr<OperationQueue::Job> OperationQueue::job_of(std::string_view id) const {
  const auto found = std::ranges::find_if(jobs_, [id](const auto& job) { return job->shown.id == id; });
  return found == jobs_.end() ? nullptr : *found;
}

std::shared_ptr<OperationQueue::Job> OperationQueue::next_queued() const {
  const auto found =
      std::ranges::find_if(jobs_, [](const auto& job) { return job->shown.state == OperationState::queued; });
  return found == jobs_.end() ? nullptr : *found;
}

std::optional<base::SteadyTime> OperationQueue::next_expiry() const {
  std::optional<base::SteadyTime> next;
  for (const auto& job : jobs_) {
    if (job->expires) next = std::min(next.value_or(*job->expires), *job->expires);
  }
  return next;
}

void OperationQueue::finish(Job& job, Outcome outcome) {
  if (!outcome) {
    // Without room it stops itself.
    const bool asked_to_end = job.stop.stop_requested() && outcome.error().category != Category::io;
    if (!asked_to_end) job.shown.error = outcome.error().message;
    return end(job, asked_to_end ? OperationState::cancelled : OperationState::failed);
  }
  job.shown.result = *std::move(outcome);
  if (job.shown.request.download) {
    job.expires = base::system_clock().steady_now() + options_.download_life;
    job.shown.result->available = true;
    job.shown.result->expires = now() + options_.download_life;
  }
  end(job, OperationState::succeeded);
}

void OperationQueue::end(Job& job, OperationState state) {
  job.shown.state = state;
  job.shown.cancelling = false;
  job.shown.finished = now();
  const base::log::Level level = state == OperationState::failed ? base::log::Level::warn : base::log::Level::info;
  base::log::write(level, "operation over",
                   {{"operation", job.shown.id},
                    {"kind", to_string(job.shown.kind)},
                    {"client", job.shown.request.client_id},
                    {"state", to_string(state)},
                    {"reason", job.shown.error}});
}

bool OperationQueue::discard_expired(Discarded& discarded) {
  const base::SteadyTime time = base::system_clock().steady_now();
  for (const auto& job : jobs_) {
    if (job->expires && *job->expires <= time) discard_file(*job, discarded);
  }
  return !discarded.files.empty();
}

void OperationQueue::discard_file(Job& job, Discarded& discarded) {
  if (!job.expires) return;
  job.expires.reset();
  if (job.shown.result) job.shown.result->available = false;
  discarded.files.push_back(download_path(job.shown.id));
}

void OperationQueue::shorten_list(Discarded& discarded) {
  while (jobs_.size() > options_.listed_max) {
    const auto oldest = std::ranges::find_if(jobs_, [](const auto& job) { return is_over(job->shown.state); });
    if (oldest == jobs_.end()) return;  // as many as may wait, and one that runs
    discard_file(**oldest, discarded);
    jobs_.erase(oldest);
  }
}

}  // namespace cli
