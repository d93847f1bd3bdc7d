// How to write a client's backup for `restore`, ours and the stock Litestream's.
#pragma once

#include <string>
#include <string_view>

#include "engine/status.h"

namespace web {

// "s3://name/prefix/databases/{GUID}", "file:///dir/databases/{GUID}": what our own commands take.
std::string replica_url(const engine::StoreAddress& store, std::string_view replica_path);

// Lines for a shell that write `client_id`.db in the current directory, complete for this store but for the
// credentials. Arguments are quoted where they must be.
std::string restore_command(std::string_view client_id, const engine::StoreAddress& store,
                            std::string_view replica_path);

// For Litestream 0.5.17. A server's address and region stand in the URL's query, which it decodes; a file URL it takes
// as it stands, and only with plain characters, so other directories are named in a configuration on standard input.
std::string litestream_command(std::string_view client_id, const engine::StoreAddress& store,
                               std::string_view replica_path);

}  // namespace web
