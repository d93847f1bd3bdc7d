// One audit of the whole bucket beside the daemon that works: one flat LIST, page after page and client after client,
// compared with what is recorded; what differs is healed, what is nobody's is counted. It removes nothing.
//
// Memory: a page, and the objects of one client. Ended anywhere, a round goes on from its progress().
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <string>

#include "base/clock.h"
#include "base/error.h"
#include "engine/audit_record.h"
#include "engine/client_audit.h"
#include "engine/ledger.h"
#include "engine/ledger_view.h"
#include "engine/mend.h"
#include "engine/status_board.h"
#include "storage/object_store.h"

namespace engine {

// Who does what heals. Any thread; both only leave word.
struct AuditHealer {
  // The inventory of the client is wrong: unknown, until upkeep has listed it.
  std::function<void(std::int64_t row)> list_anew;
  // What a restore of the newest state needs is gone, or damaged. False: no database here that could make it good.
  std::function<bool(const base::DatabaseId& id, Mend mend)> mend;
};

// All of them outlive the round.
struct AuditSurroundings {
  storage::ObjectStore& store;
  Ledger& ledger;
  RecordedBackups& recorded;
  StatusBoard& board;
  AuditHealer healer;
  // Before each request but the first: waits as long as the next one has to wait. An error ends the round.
  ClientAuditor::Pace pace;
};

class AuditRound {
 public:
  AuditRound(AuditSurroundings surroundings, AuditProgress progress, base::UnixMillis now);

  // Blocks until the whole bucket was seen. Errors: the store's, the state database's, the pace's; run() again goes on.
  base::Result<> run(const storage::CallContext& context);
  [[nodiscard]] const AuditProgress& progress() const { return progress_; }

 private:
  base::Result<> on_client(const ClientPrefix& client, const storage::CallContext& context);
  base::Result<> on_absent(const KnownClient& client, const storage::CallContext& context);
  // Clients of the state with an id below this one that the walk did not meet; empty: all that are left.
  base::Result<> look_for_absent(const std::string& below, const storage::CallContext& context);
  void count_owner(const ClientPrefix& client);
  base::Result<> heal(const base::DatabaseId& id, const ClientVerdict& verdict);
  [[nodiscard]] bool database_is_gone(const base::DatabaseId& id, const std::string& path) const;
  void count_unstored();
  [[nodiscard]] bool looks_unmounted() const;

  AuditSurroundings around_;
  ClientAuditor auditor_;
  AuditProgress progress_;
  std::deque<KnownClient> known_;  // the next ones of the state
  bool nothing_there_ = false;     // in the whole bucket
  bool all_known_ = false;         // there are no more of them
};

}  // namespace engine
