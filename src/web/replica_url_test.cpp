#include "web/replica_url.h"

#include <gtest/gtest.h>

namespace {

using engine::StoreAddress;

constexpr std::string_view kPath = "databases/id";

TEST(ReplicaUrl, IsTheStoresUrlAndThePath) {
  EXPECT_EQ(web::replica_url({.url = "s3://backups"}, kPath), "s3://backups/databases/id");
  EXPECT_EQ(web::replica_url({.url = "s3://backups/eu/"}, kPath), "s3://backups/eu/databases/id");
  EXPECT_EQ(web::replica_url({.url = "file:///var/b"}, kPath), "file:///var/b/databases/id");
}

struct Case {
  StoreAddress store;
  std::string_view ours, stock;
};

class RestoreCommands : public testing::TestWithParam<Case> {};

TEST_P(RestoreCommands, AreCompleteForTheStore) {
  EXPECT_EQ(web::restore_command("id", GetParam().store, kPath), GetParam().ours);
  EXPECT_EQ(web::litestream_command("id", GetParam().store, kPath), GetParam().stock);
}

INSTANTIATE_TEST_SUITE_P(
    Stores, RestoreCommands,
    testing::Values(
        Case{{.url = "s3://b"},
             "litestream-manager restore -o id.db s3://b/databases/id",
             "litestream restore -o id.db s3://b/databases/id"},
        Case{{.url = "s3://b", .region = "eu-central-1"},
             "litestream-manager restore -o id.db s3://b/databases/id -region eu-central-1",
             "litestream restore -o id.db 's3://b/databases/id?region=eu-central-1'"},
        Case{{.url = "s3://b", .path_style = true},
             "litestream-manager restore -o id.db s3://b/databases/id -force-path-style",
             "litestream restore -o id.db 's3://b/databases/id?forcePathStyle=true'"},
        Case{{.url = "s3://b/eu", .endpoint = "http://127.0.0.1:9000", .region = "us-east-1"},
             "litestream-manager restore -o id.db s3://b/eu/databases/id -endpoint http://127.0.0.1:9000 -region "
             "us-east-1",
             "litestream restore -o id.db "
             "'s3://b/eu/databases/id?endpoint=http://127.0.0.1:9000&forcePathStyle=true&region=us-east-1'"},
        Case{{.url = "s3://b/a b+%41"},
             "litestream-manager restore -o id.db 's3://b/a b+%41/databases/id'",
             "litestream restore -o id.db s3://b/a%20b%2B%2541/databases/id"},
        Case{{.url = "file:///var/b"},
             "litestream-manager restore -o id.db file:///var/b/databases/id",
             "litestream restore -o id.db file:///var/b/databases/id"},
        Case{{.url = "file:///my data/$(x)"},
             "litestream-manager restore -o id.db 'file:///my data/$(x)/databases/id'",
             R"(printf %s '{"dbs":[{"path":"id.db","replica":{"type":"file","path":"/my data/$(x)/databases/id"}}]}')"
             " | litestream restore -config /dev/stdin id.db"},
        Case{{.url = "file:///it's \"b\\"},
             R"(litestream-manager restore -o id.db 'file:///it'\''s "b\/databases/id')",
             R"(printf %s '{"dbs":[{"path":"id.db","replica":{"type":"file","path":"/it'\''s \"b\\/databases/id"}}]}')"
             " | litestream restore -config /dev/stdin id.db"}));

}  // namespace
