// Does a store honour OnExisting::fail_with_conflict? Fencing between two writers rests on it.
#pragma once

#include <string_view>

#include "base/error.h"
#include "storage/object_store.h"

namespace storage {

enum class ConditionalPut {
  honoured,     // the second of two conditional puts of one key was refused
  ignored,      // both were accepted: another writer's object would be overwritten silently
  unsupported,  // the store refuses conditional puts as such
};
std::string_view to_string(ConditionalPut answer);

// Writes one tiny object twice and removes it again (also on the way out of an error). Its key is
// "{prefix}.litestream-manager-probe-{random}"; with the usual prefix "databases/" it lies outside of every replica's
// folder, so no listing of Litestream meets it. Blocks for three or four requests. An error says that the store could
// not be asked at all: its category is that of the failed put.
base::Result<ConditionalPut> probe_conditional_put(ObjectStore& store, std::string_view prefix,
                                                   const CallContext& context = {});

}  // namespace storage
