// Counts the restore points that an outage of the store costs. While an object waits for its answer, what is committed
// after it gathers into one later object (or is dropped and found again by one diff): the state at the end of it all is
// stored, those in between are not. One is counted for each sync interval that would have had an object of its own.
//
// An upload that is merely slow costs nothing worth a word: only one that failed or took longer than kPatience counts.
// Pure; one client's, one thread at a time.
#pragma once

#include <chrono>
#include <optional>

#include "base/clock.h"
#include "engine/status.h"

namespace engine {

class LostPointCounter {
 public:
  static constexpr std::chrono::seconds kPatience{5};

  explicit LostPointCounter(std::chrono::milliseconds interval) : interval_(interval) {}

  void set_interval(std::chrono::milliseconds interval) { interval_ = interval; }

  void upload_started(base::UnixMillis now) { outage_ = Outage{now, {}, 0, {}, {}}; }
  // The database was changed while the upload is under way. Cheap; called for every look that found something, and for
  // every event while nothing can be captured.
  void changed(base::UnixMillis now) {
    if (!outage_) return;
    Outage& o = *outage_;
    if (o.open && now - *o.open < interval_) return;
    if (o.open) {  // another state followed, and this one was never sent
      if (o.lost++ == 0) o.first = *o.open;
      o.last = *o.open;
    }
    o.open = now;
  }
  // What was lost in the outage that ended; count is 0 if there was none worth the name.
  LostPoints upload_ended(base::UnixMillis now, bool failed);
  // Since start, the outage that goes on included; the span is the latest one's.
  [[nodiscard]] LostPoints total(base::UnixMillis now, bool failed) const;

 private:
  struct Outage {
    base::UnixMillis began;
    std::optional<base::UnixMillis> open;  // the newest state that is not sent is of this interval
    std::uint64_t lost = 0;
    base::UnixMillis first{0}, last{0};
  };
  [[nodiscard]] LostPoints current(base::UnixMillis now, bool failed) const;

  std::chrono::milliseconds interval_;
  std::optional<Outage> outage_;
  std::uint64_t total_ = 0;
  LostPoints last_;
};

}  // namespace engine
