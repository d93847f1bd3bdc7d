#include "backup.h"

#include <utility>

#include <fmt/format.h>

#include "history/restore_plan.h"
#include "ltx/checksum.h"
#include "ltx/decoder.h"

namespace simulation {

namespace {

constexpr std::chrono::hours kSlot{1};

std::string text_of(const storage::LtxName& name) {
  return fmt::format("object {}-{} of level {}", name.min.value, name.max.value, name.level.value);
}

}  // namespace

std::string Backup::apply(const base::Bytes& bytes, State& state) const {
  ltx::Decoder decoder(ltx::memory_source(bytes));
  const auto header = decoder.read_header();
  if (!header) return header.error().message;
  if (header->is_snapshot()) state.pages.clear();
  state.page_size = header->page_size;
  state.made_at = header->timestamp;
  for (;;) {
    const auto page = decoder.next_page();
    if (!page) return page.error().message;
    if (!*page) break;
    const std::uint32_t number = (*page)->page_number;
    if (state.pages.size() < number) state.pages.resize(number);
    state.pages[number - 1] = ltx::page_checksum(number, (*page)->data);
  }
  if (const auto end = decoder.finish(); !end) return end.error().message;
  state.pages.resize(header->commit);
  return {};
}

std::string Backup::on_object(const storage::LtxName& name, const base::Bytes& bytes, History& history) {
  const bool extends = name.max.value > history.newest_txid();
  State state;
  if (name.min.value > 1) {
    const auto before = states_.find(name.min.value - 1);
    if (before == states_.end()) return text_of(name) + " goes on from a state that there never was";
    state = before->second;
  }
  if (std::string wrong = apply(bytes, state); !wrong.empty()) return text_of(name) + ": " + wrong;
  if (extends) {
    if (std::string wrong = history.on_object(name.min.value, name.max.value, bytes); !wrong.empty()) return wrong;
    states_[name.max.value] = std::move(state);
  } else {
    const State& end = states_[name.max.value];
    if (name.level.value == 0) return text_of(name) + " comes after newer ones";
    if (end.page_size != state.page_size || end.pages != state.pages) {
      return text_of(name) + " does not lead to the state at its end";
    }
    if (end.made_at != state.made_at) return text_of(name) + " is dated otherwise than its last input";
    ++(name.level == base::kSnapshotLevel ? snapshots : merged);
  }
  history::Object object;
  object.min = name.min;
  object.max = name.max;
  object.level = name.level;
  object.size_bytes = bytes.size();
  object.created_at = states_[name.max.value].made_at;
  objects_.add(object);
  if (!restorable(history.newest_txid())) return text_of(name) + " is there and the newest state is not restored";
  return {};
}

std::string Backup::on_removed(const storage::LtxName& name, base::UnixMillis now, const Promise& promise) {
  if (!objects_.remove(name)) return text_of(name) + " is removed and was not there";
  ++removed;
  if (promise.policy.off) return text_of(name) + " is removed and retention is off";
  std::map<std::int64_t, std::uint64_t> last_of_slot;
  for (const auto& [txid, state] : states_) {
    const bool newest = txid == states_.rbegin()->first;
    const bool in_window = state.made_at >= now - promise.policy.window;
    if (state.made_at >= now - promise.policy.hourly) last_of_slot[state.made_at / kSlot] = txid;
    if ((newest || in_window) && !restorable(txid)) {
      return fmt::format("{} is removed and TXID {} is lost, {} s old", text_of(name), txid,
                         (now - state.made_at).count() / 1000);
    }
  }
  if (!promise.slots) return {};
  for (const auto& [slot, txid] : last_of_slot) {
    if (!restorable(txid))
      return fmt::format("{} is removed and TXID {}, its hour's last, is lost", text_of(name), txid);
  }
  return {};
}

std::size_t Backup::plan_length() const {
  const auto plan = history::plan_restore(objects_, {});
  return plan ? plan->size() : 0;
}

bool Backup::restorable(std::uint64_t txid) const {
  return history::plan_restore(objects_, {.txid = base::Txid{txid}, .before = {}}).has_value();
}

}  // namespace simulation
