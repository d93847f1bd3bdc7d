// How to write a client's backup for `restore`, ours and Litestream's alike.
#pragma once

#include <string>
#include <string_view>

namespace web {

// `bucket` as the operator wrote it: "name", "s3://name[/prefix]", "file:dir" or "file:///dir".
// "s3://name/prefix/databases/{GUID}", "file:///dir/databases/{GUID}".
std::string replica_url(std::string_view bucket, std::string_view replica_path);

// A line for a shell that writes `client_id`.db in the current directory. Arguments are quoted where they must be.
std::string restore_command(std::string_view client_id, std::string_view url);

}  // namespace web
