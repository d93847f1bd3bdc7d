// One database under replication: plain state moved on by step(), which never blocks on the network and does a bounded
// piece of work. The scheduler runs step() on one worker at a time, when mail came or the time it asked for is there.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "base/clock.h"
#include "base/error.h"
#include "engine/base_job.h"
#include "engine/budget.h"
#include "engine/client_policy.h"
#include "engine/ledger.h"
#include "engine/log_tracker.h"
#include "engine/lost_points.h"
#include "engine/mailbox.h"
#include "engine/page_set.h"
#include "engine/probe.h"
#include "engine/status.h"
#include "engine/uploader.h"

namespace engine {

// The policy of clients that were given no other one, and what is the same for all clients.
struct ClientOptions : ClientPolicy {
  std::chrono::milliseconds cold_after{60'000};  // quiet for so long: let go of the descriptors
  std::filesystem::path staging_directory;
  std::uint64_t page_set_memory_bytes = 16ULL << 20;  // per client, then a spool file
};

// Shared by all clients; outlives them. All thread safe.
class Upkeep;

struct ClientContext {
  const base::Clock* clock = nullptr;
  Ledger* ledger = nullptr;
  storage::ObjectStore* store = nullptr;
  os::FileCloser* closer = nullptr;
  EventStream* stream = nullptr;
  Probe* probe = nullptr;
  MemoryBudget* memory = nullptr;
  Upkeep* upkeep = nullptr;     // none: nothing is merged and nothing removed
  Places* base_jobs = nullptr;  // how many databases may be read whole at once
  ClientOptions options;
  base::UnixMillis run_began{0};  // of this process
  // The store is known to ignore conditions: an upload of an earlier run may yet replace what stands under its key.
  bool late_uploads_overwrite = false;
  std::function<void(std::shared_ptr<const ClientStatus>)> publish;
  // Runs a job that blocks on the network, later, on a thread of its own; it ends soon after `stop`.
  std::function<void(std::move_only_function<void(const std::stop_token& stop)>)> in_background;
  std::function<void(const base::DatabaseId&)> takeover_answered;  // granted and recorded, or nothing to take over
};

class Client {
 public:
  // `wake` schedules a step soon; any thread may call it at any time while the client lives.
  Client(ClientRecord record, const ClientContext& context, NewPolicy policy, std::function<void()> wake);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // Any thread.
  void post(Mail mail);

  // Worker. Returns when to step again without mail; nullopt: only on mail.
  std::optional<base::SteadyTime> step();

  [[nodiscard]] const base::DatabaseId& id() const { return record_.id; }
  // Any thread. After Command::flush: everything that was committed when it came is stored; the client rests from then
  // on.
  [[nodiscard]] bool flushed() const { return flushed_.load(std::memory_order_acquire); }
  // Any thread. Another writer owns the prefix: nothing will be stored, however long one waits.
  [[nodiscard]] bool shut_out() const { return shut_out_.load(std::memory_order_relaxed); }

 private:
  void drain();
  void on_mail(Mail& mail);
  void on_file_event(FileEvent event);
  void on_command(Command command);
  void record_place();
  void take_over();
  void mend_backup();
  bool start_over();
  void leave_attempted_txid();
  void on_policy(NewPolicy policy);
  void on_bucket(const BucketAnswer& answer);
  base::Result<> record_listing(const ListingUnderWay& listing, const std::vector<history::Object>& listed);
  void on_store(StoreAnswer answer);
  void tell_upkeep();

  bool contact_bucket();
  void capture();
  void run_base();
  bool prepare_base();
  bool take_base_place();
  void on_base_done(const BaseJob& job);
  void adopt_bucket_state();
  bool adopt_unchanged(const BucketPosition& bucket);
  void on_index(const IndexAnswer& answer);
  bool adopt_into_ledger(const Acknowledgement& ack);
  void switch_when_quiet();
  bool keep_log_for_base();
  void let_log_go_in_time();
  void clear_left_log();
  [[nodiscard]] std::optional<bool> may_use_sqlite() const;
  void upload();
  void note_outage_over();
  void rest_if_quiet();
  void rest_closed_or_cold();
  void account_memory();
  void need_base(std::string why);
  void block(std::string why, std::chrono::milliseconds retry);
  void wake_at(base::SteadyTime when);
  void report(const base::Error& error, std::string_view operation);
  void publish();
  [[nodiscard]] ClientState state() const;
  [[nodiscard]] bool all_stored() const;
  // Gone or paused: nothing new is captured.
  [[nodiscard]] bool away() const { return !present_ || policy_->paused; }
  void note_flushed();
  [[nodiscard]] bool has_captured() const { return base_done_ || !gathered_.empty(); }

  ClientRecord record_;
  const ClientContext& context_;
  std::function<void()> wake_;
  Mailbox mailbox_;
  NewPolicy policy_;

  LogTracker tracker_;
  PageSet gathered_;
  Uploader uploader_;
  LostPointCounter lost_points_;

  bool present_ = true;
  bool flushing_ = false;
  bool flush_captured_ = false;  // looked at everything since the flush began
  bool flush_upload_ = false;    // and the upload under way holds all of that
  std::atomic<bool> flushed_{false}, shut_out_{false};
  bool contacted_ = false, contacting_ = false;
  std::shared_ptr<ListingUnderWay> listing_;
  std::optional<BucketPosition> bucket_;  // when the state knew nothing
  bool reading_bucket_ = false;           // its pages are being read, for a diff instead of an image
  bool chain_broken_ = false;             // of the bucket, until a snapshot mended it
  std::optional<Mend> mend_wanted_;       // as soon as no upload is under way
  bool replace_chain_ = false;            // whatever the bucket's names say when it is asked
  // The newest TXID before the bucket is asked anew. None up to it is given again: merges, deletions and readers that
  // are on their way mean the objects of before.
  base::Txid given_;

  bool base_needed_ = false;
  bool base_done_ = false;  // gathered_ holds the result of a base that is not built into an object yet
  bool base_is_image_ = false;
  std::string base_reason_;
  std::unique_ptr<BaseJob> base_job_;
  bool base_void_ = false;  // need_base() was called while a slice ran
  Places::Place base_place_;
  std::uint32_t base_attempts_ = 0, base_waits_ = 0;
  base::SteadyTime base_due_{};
  std::uint32_t page_size_ = 0, page_count_ = 0;

  bool waiting_ = false;
  std::string blocked_, blocked_logged_;
  std::string trouble_;  // the last local failure, shown until a step goes well
  bool seen_wal_mode_ = false;
  bool switch_refused_ = false;
  base::SteadyTime switch_due_{};
  bool log_may_be_left_ = false;  // we kept it; nobody may be there to delete it
  base::SteadyTime keep_not_before_{}, left_log_due_{};
  std::string journal_mode_;
  std::uint64_t database_bytes_ = 0;

  base::SteadyTime last_activity_{};
  base::SteadyTime last_upload_ = base::SteadyTime::min();  // never: not the clock's zero, which may be a minute ago
  base::SteadyTime track_due_{};
  bool track_pending_ = true;
  bool resting_ = false;
  std::optional<base::SteadyTime> next_;
  std::int64_t accounted_ = 0;
  bool upload_failed_ = false;  // the object under way was refused or not answered, once at least
  std::uint64_t lost_points_counted_ = 0;
  std::uint64_t commits_ = 0, diffs_ = 0;
  std::shared_ptr<const ClientStatus> published_;
};

}  // namespace engine
