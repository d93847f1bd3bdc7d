#include "cli/takeover_command.h"

#include <algorithm>
#include <cctype>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <iterator>
#include <mutex>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "cli/open_store.h"
#include "engine/foreign.h"
#include "engine/takeover.h"
#include "os/file_lock.h"

namespace cli {
namespace {

using base::Category;
using base::fail;
using base::Result;
using engine::KnownClient;

constexpr std::chrono::seconds kDaemonAnswers{60};  // its sweep, which needs no event, comes every 30 s
constexpr std::chrono::milliseconds kPoll{50};

struct Case {
  KnownClient client;
  engine::ForeignHistory foreign;
};

void say(const std::string& text) {
  std::fputs(text.c_str(), stdout);
  std::fflush(stdout);
}

bool same_id(std::string_view a, std::string_view b) {
  return std::ranges::equal(
      a, b, {}, [](unsigned char c) { return std::tolower(c); }, [](unsigned char c) { return std::tolower(c); });
}

// Of `all`, those that may be in conflict: an upload of theirs was begun and not stored.
Result<std::vector<KnownClient>> choose(const TakeoverRequest& request, const engine::LedgerView& ledger) {
  std::vector<KnownClient> chosen;
  for (const std::string& id : request.clients) {
    const auto found = std::ranges::find_if(ledger.clients, [&](const auto& c) { return same_id(c.id.value, id); });
    if (found == ledger.clients.end()) {
      return fail(Category::not_found, fmt::format("{} knows no client {}", request.state_dir.string(), id));
    }
    chosen.push_back(*found);
  }
  if (request.all) {
    std::ranges::copy_if(ledger.clients, std::back_inserter(chosen),
                         [](const KnownClient& client) { return client.attempted > client.txid; });
  }
  return chosen;
}

std::string describe(const Case& found) {
  const auto& [client, foreign] = found;
  const std::string stored = client.last_replicated ? " on " + base::to_rfc3339(*client.last_replicated) : "";
  const std::string since = foreign.first.since ? " since " + base::to_rfc3339(*foreign.first.since) : "";
  return fmt::format(
      "{}\n"
      "  here        {}\n"
      "  stored      up to TXID {} by this host{}\n"
      "  then        by {}{}, from TXID {} ({})\n"
      "  newest      TXID {}{}\n"
      "  takeover    this host's database is stored as TXID {}, on top of that; nothing is changed or removed\n",
      client.id.value, client.path, client.txid.value, stored, engine::writer_text(foreign.first), since,
      foreign.first.txid, foreign.first.key, foreign.newest.value,
      foreign.newest_at ? " on " + base::to_rfc3339(*foreign.newest_at) : "", foreign.newest.value + 1);
}

constexpr std::string_view kConsequences =
    "\nStop the other writer first. If it goes on nevertheless, each of the two loses: the one that is second at a "
    "TXID\n"
    "is refused and shows \"conflict\" (Litestream itself does not ask before it writes, and overwrites). What the "
    "other\n"
    "host committed stays restorable at the TXIDs above, and is not part of what this host stores.\n";

Result<> check_fencing(const TakeoverRequest& request, storage::ObjectStore& store, const engine::LedgerView& ledger) {
  if (request.without_fencing) return {};
  const auto known = ledger.facts.find("conditional_put " + store.display_url());
  return engine::require_fencing(store, known == ledger.facts.end() ? std::string_view() : known->second);
}

bool daemon_runs(const std::filesystem::path& state_directory) {
  const auto lock = os::ExclusiveFileLock::acquire(state_directory / "lock");
  return !lock && lock.error().category == Category::conflict;
}

// True once the daemon has taken every request away.
bool wait_for_daemon(const TakeoverRequest& request, const std::vector<Case>& cases) {
  const base::SteadyTime limit = base::system_clock().steady_now() + kDaemonAnswers;
  std::mutex mutex;
  std::condition_variable pause;  // nobody signals it
  std::unique_lock lock(mutex);
  while (base::system_clock().steady_now() < limit) {
    const auto open = engine::takeover_requests(request.state_dir);
    if (open && std::ranges::none_of(
                    cases, [&](const Case& c) { return std::ranges::find(*open, c.client.id) != open->end(); })) {
      return true;
    }
    pause.wait_for(lock, kPoll);
  }
  return false;
}

Result<> hand_over(const TakeoverRequest& request, storage::ObjectStore& store, const engine::LedgerView& ledger,
                   const std::vector<Case>& cases) {
  TRY(check_fencing(request, store, ledger));
  const bool running = daemon_runs(request.state_dir);
  for (const Case& found : cases) TRY(engine::request_takeover(request.state_dir, found.client.id));
  if (!running) {
    say("\nNo daemon runs on this state directory: the next start takes over.\n");
    return {};
  }
  say("\nAsking the daemon ...\n");
  if (!wait_for_daemon(request, cases)) {
    return fail(Category::retry_later, "the daemon has not answered; the request stands, see its log");
  }
  say("Taken over. The daemon asks the bucket and goes on; the dashboard shows each client as \"live\" or \"idle\" "
      "once\n"
      "its database is stored.\n");
  return {};
}

Result<> take_over(const TakeoverRequest& request) {
  TRY_ASSIGN(const auto ledger, engine::read_ledger(request.state_dir / "state.db"));
  TRY_ASSIGN(const auto store, open_store(request.store));
  if (const auto bucket = ledger.facts.find("bucket");
      bucket != ledger.facts.end() && bucket->second != store->display_url()) {
    return fail(Category::invalid, fmt::format("{} belongs to {}, not to {}", request.state_dir.string(),
                                               bucket->second, store->display_url()));
  }
  TRY_ASSIGN(const auto chosen, choose(request, ledger));
  std::vector<Case> cases;
  for (const KnownClient& client : chosen) {
    TRY_ASSIGN(auto foreign,
               engine::find_foreign_history(*store, client, ledger.lineages, base::system_clock().unix_now()));
    if (foreign && ledger.lineages.is_ours(foreign->first.lineage)) {
      // A daemon that runs may just have stored it.
      TRY_ASSIGN(const auto now, engine::read_ledger(request.state_dir / "state.db"));
      const auto again = std::ranges::find(now.clients, client.id, &KnownClient::id);
      if (again == now.clients.end() || again->txid.value >= foreign->first.txid) foreign.reset();
    }
    if (foreign) {
      cases.push_back({client, *foreign});
      say(describe(cases.back()));
    } else if (!request.all) {
      say(fmt::format("{}\n  nothing to take over: the bucket holds what this host stored, up to TXID {}\n",
                      client.id.value, client.txid.value));
    }
  }
  if (cases.empty()) {
    if (request.all) say("Nothing to take over: no other writer was met.\n");
    return {};
  }
  say(std::string(kConsequences));
  if (request.confirm) return hand_over(request, *store, ledger, cases);
  say("\nNothing was done. Repeat it with -confirm.\n");
  return {};
}

}  // namespace

ExitCode run_takeover(const TakeoverRequest& request) {
  const auto done = take_over(request);
  if (done) return ExitCode::done;
  std::fputs(fmt::format("litestream-manager: takeover: {}\n", done.error().message).c_str(), stderr);
  return exit_code_for(done.error().category);
}

}  // namespace cli
