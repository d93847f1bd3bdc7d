#include "engine/lost_points.h"

namespace engine {

LostPoints LostPointCounter::upload_ended(base::UnixMillis now, bool failed) {
  const LostPoints lost = current(now, failed);
  outage_.reset();
  total_ += lost.count;
  if (lost.count > 0) last_ = lost;
  return lost;
}

LostPoints LostPointCounter::total(base::UnixMillis now, bool failed) const {
  const LostPoints now_lost = current(now, failed);
  const LostPoints& latest = now_lost.count > 0 ? now_lost : last_;
  return {total_ + now_lost.count, latest.since, latest.until};
}

LostPoints LostPointCounter::current(base::UnixMillis now, bool failed) const {
  if (!outage_ || outage_->lost == 0 || (!failed && now - outage_->began < kPatience)) return {};
  return {outage_->lost, outage_->first, outage_->last};
}

}  // namespace engine
