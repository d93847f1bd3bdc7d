// Where the LTX files of a database stand in a bucket (format dossier section 3.1):
//
//   KeyLayout::s3     {root}databases/{GUID}/{level as %04x}/{min}-{max}.ltx
//   KeyLayout::file   {root}databases/{GUID}/ltx/{level in decimal}/{min}-{max}.ltx
//
// `replica` below is the part before the level folder without trailing slash ("databases/{GUID}"), the path that is
// given to `litestream restore`. The bucket's own prefix (s3://bucket/prefix) is added by the store, not here.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/types.h"
#include "storage/object_store.h"

namespace storage {

struct LtxName {
  base::Level level;
  base::Txid min;
  base::Txid max;
  friend bool operator==(const LtxName&, const LtxName&) = default;
};

std::string replica_path(const base::DatabaseId& id);  // "databases/{GUID}"
base::ObjectKey ltx_key(KeyLayout layout, std::string_view replica, const LtxName& name);
std::string level_prefix(KeyLayout layout, std::string_view replica, base::Level level);  // ends with '/'
// The inverse of ltx_key for keys below `replica`; nullopt for anything else (foreign objects are skipped, as
// Litestream does).
std::optional<LtxName> parse_ltx_key(KeyLayout layout, std::string_view replica, std::string_view key);

}  // namespace storage
