#include "engine/status_board.h"

#include <utility>

namespace engine {
namespace {

std::shared_ptr<const ClientStatus> with(const ClientStatus& status, const VerificationStatus& verification) {
  auto copy = std::make_shared<ClientStatus>(status);
  copy->verification = verification;
  return copy;
}

}  // namespace

void StatusBoard::put(std::shared_ptr<const ClientStatus> status) {
  const std::scoped_lock lock(mutex_);
  const auto verified = verifications_.find(status->client_id);
  if (verified != verifications_.end()) status = with(*status, verified->second);
  clients_[status->client_id] = std::move(status);
  version_.fetch_add(1, std::memory_order_release);
}

void StatusBoard::set_verification(const std::string& client_id, VerificationStatus verification) {
  const std::scoped_lock lock(mutex_);
  const VerificationStatus& kept = verifications_[client_id] = std::move(verification);
  const auto client = clients_.find(client_id);
  if (client == clients_.end()) return;
  client->second = with(*client->second, kept);
  version_.fetch_add(1, std::memory_order_release);
}

void StatusBoard::set_watch_dirs(std::vector<WatchDirStatus> dirs) {
  const std::scoped_lock lock(mutex_);
  watch_dirs_ = std::move(dirs);
  version_.fetch_add(1, std::memory_order_release);
}

void StatusBoard::set_audit(AuditOverview audit) {
  const std::scoped_lock lock(mutex_);
  if (audit_ == audit) return;
  audit_ = std::move(audit);
  version_.fetch_add(1, std::memory_order_release);
}

std::shared_ptr<const ClientStatus> StatusBoard::find(const std::string& client_id) const {
  const std::scoped_lock lock(mutex_);
  const auto found = clients_.find(client_id);
  return found == clients_.end() ? nullptr : found->second;
}

std::vector<WatchDirStatus> StatusBoard::watch_dirs() const {
  const std::scoped_lock lock(mutex_);
  return watch_dirs_;
}

void StatusBoard::set_notice(const std::string& topic, std::string text) {
  const std::scoped_lock lock(mutex_);
  const auto it = notices_.find(topic);
  if (it != notices_.end() ? it->second == text : text.empty()) return;
  if (text.empty()) {
    notices_.erase(it);
  } else {
    notices_[topic] = std::move(text);
  }
  version_.fetch_add(1, std::memory_order_release);
}

ClientAccount StatusBoard::account(std::string_view client_id) const {
  const auto guid = parse_guid(client_id);
  if (!guid) return {};
  auto holdings = holdings_.find(*guid);
  ClientAccount account = bill_.account(*guid, holdings ? holdings->bytes : 0);
  account.holdings = std::move(holdings);
  return account;
}

std::shared_ptr<const FleetStatus> StatusBoard::fleet() const {
  auto status = std::make_shared<FleetStatus>();
  status->bucket = bucket_;
  status->store = address_;
  status->started = started_;
  status->counters = probe_.snapshot();
  status->requests = store_.counts();
  status->bill = bill_.fleet();
  status->pending_bytes = static_cast<std::uint64_t>(std::max<std::int64_t>(memory_.used(), 0));
  const std::scoped_lock lock(mutex_);
  status->version = version_.load(std::memory_order_relaxed);
  status->watch_dirs = watch_dirs_;
  status->audit = audit_;
  status->clients.reserve(clients_.size());
  for (const auto& [id, client] : clients_) status->clients.push_back(client);
  for (const auto& [topic, text] : notices_) status->notices.push_back(text);
  return status;
}

}  // namespace engine
