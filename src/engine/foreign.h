// What stands in the bucket and is not ours to continue: told from its header, in words for people and machines.
#pragma once

#include <optional>
#include <string>

#include "base/clock.h"
#include "base/types.h"
#include "engine/lineage.h"
#include "engine/status.h"
#include "ltx/header.h"

namespace engine {

// `header` is that of the object which stands where ours would have gone; none: it cannot be read.
Conflict describe_conflict(const base::ObjectKey& key, base::Txid txid, const std::optional<ltx::Header>& header,
                           const Lineages& self, base::UnixMillis noticed);

// "another Litestream Manager (lineage 00f1...)".
std::string writer_text(const Conflict& conflict);
// What happened, since when, and what to do.
std::string conflict_text(const Conflict& conflict, std::string_view client_id);

}  // namespace engine
