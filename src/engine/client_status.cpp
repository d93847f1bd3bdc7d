// What a client tells the outside.
#include "engine/client.h"
#include "storage/keys.h"

namespace engine {

std::string_view to_string(ClientState state) {
  switch (state) {
    case ClientState::discovered:
      return "discovered";
    case ClientState::waiting:
      return "waiting";
    case ClientState::imaging:
      return "imaging";
    case ClientState::live:
      return "live";
    case ClientState::idle:
      return "idle";
    case ClientState::paused:
      return "paused";
    case ClientState::blocked:
      return "blocked";
    case ClientState::conflict:
      return "conflict";
    case ClientState::failing:
      return "failing";
    case ClientState::removed:
      return "removed";
  }
  return "discovered";
}

ClientState Client::state() const {
  if (uploader_.state() == UploadState::conflict) return ClientState::conflict;
  if (uploader_.failing() || !trouble_.empty()) return ClientState::failing;
  if (!present_) return ClientState::removed;
  if (policy_->paused) return ClientState::paused;
  if (!blocked_.empty()) return ClientState::blocked;
  if (waiting_) return ClientState::waiting;
  if (!contacted_) return ClientState::discovered;
  if (record_.txid.value == 0) return ClientState::imaging;
  return resting_ ? ClientState::idle : ClientState::live;
}

void Client::publish() {
  ClientStatus status;
  status.client_id = record_.id.value;
  status.database_path = record_.path;
  status.replica_path = storage::replica_path(record_.id);
  status.state = state();
  switch (status.state) {
    case ClientState::conflict:
      status.detail = uploader_.detail();
      status.conflict = uploader_.conflict();
      break;
    case ClientState::failing:
      status.detail = trouble_.empty() ? uploader_.detail() : trouble_;
      break;
    case ClientState::blocked:
      status.detail = blocked_;
      break;
    case ClientState::paused:
      status.detail = "paused by the configuration: what is committed meanwhile is stored when it goes on";
      break;
    case ClientState::waiting:
      status.detail = "empty file: replication starts with the first write";
      break;
    default:
      break;
  }
  status.database_bytes = database_bytes_;
  if (page_count_ > 0) status.database_bytes = std::uint64_t{page_count_} * page_size_;
  status.txid = record_.txid.value;
  status.last_replicated = record_.last_replicated;
  if (uploader_.state() == UploadState::waiting) {
    const auto wait = uploader_.next_attempt() - context_.clock->steady_now();
    status.next_attempt = context_.clock->unix_now() + std::chrono::duration_cast<std::chrono::milliseconds>(wait);
  }
  status.created = record_.created;
  // What cannot be read may have anything in it that is not stored.
  status.behind = !all_stored() || (present_ && !blocked_.empty());
  status.commits = commits_;
  status.uploads = uploader_.uploads();
  status.upload_bytes = uploader_.upload_bytes();
  status.diffs = diffs_;
  status.lost_points = lost_points_.total(context_.clock->unix_now(), upload_failed_);
  bump(context_.probe->lost_points, status.lost_points.count - lost_points_counted_);
  lost_points_counted_ = status.lost_points.count;
  status.journal_mode = journal_mode_;
  if (published_ && *published_ == status) return;
  published_ = std::make_shared<const ClientStatus>(std::move(status));
  context_.publish(published_);
}

}  // namespace engine
