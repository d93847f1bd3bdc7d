#include "engine/foreign.h"

#include <fmt/format.h>

#include "base/bytes.h"
#include "ltx/provenance.h"

namespace engine {

std::string_view to_string(ForeignWriter writer) {
  switch (writer) {
    case ForeignWriter::litestream:
      return "litestream";
    case ForeignWriter::manager:
      return "manager";
    case ForeignWriter::same_state_directory:
      return "same-state-directory";
    case ForeignWriter::unreadable:
      return "unreadable";
  }
  return "unreadable";
}

Conflict describe_conflict(const base::ObjectKey& key, base::Txid txid, const std::optional<ltx::Header>& header,
                           const Lineages& self, base::UnixMillis noticed) {
  Conflict conflict;
  conflict.key = key.value;
  conflict.txid = txid.value;
  conflict.noticed = noticed;
  if (!header) return conflict;
  conflict.since = header->timestamp;
  const auto who = ltx::provenance(*header);
  conflict.writer = ForeignWriter::litestream;
  if (who) {
    conflict.lineage = who->lineage;
    conflict.writer = self.is_of_directory(who->lineage) ? ForeignWriter::same_state_directory : ForeignWriter::manager;
  }
  return conflict;
}

std::string writer_text(const Conflict& conflict) {
  switch (conflict.writer) {
    case ForeignWriter::litestream:
      return "Litestream, or another program that writes its format";
    case ForeignWriter::manager:
      return fmt::format("another Litestream Manager (lineage {})", base::hex16(conflict.lineage));
    case ForeignWriter::same_state_directory:
      return fmt::format("a run of this very state directory that its state does not know (lineage {})",
                         base::hex16(conflict.lineage));
    case ForeignWriter::unreadable:
      return "an unknown program; it is no readable LTX file";
  }
  return {};
}

std::string conflict_text(const Conflict& conflict, std::string_view client_id) {
  const std::string since = conflict.since ? " since " + base::to_rfc3339(*conflict.since) : "";
  const std::string_view advice =
      conflict.writer == ForeignWriter::same_state_directory
          ? "The state directory was put back to an older day, or a copy of it is in use elsewhere. If no other host "
            "uses a copy"
          : "Stop the other writer, or give this host another bucket or prefix. If this host is the one to go on";
  return fmt::format(
      "This backup is continued by {}{}, from TXID {} on ({}). Nothing is overwritten; replication of this database "
      "has "
      "stopped. {}: litestream-manager takeover {}",
      writer_text(conflict), since, conflict.txid, conflict.key, advice, client_id);
}

}  // namespace engine
