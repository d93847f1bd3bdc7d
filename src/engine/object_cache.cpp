#include "engine/object_cache.h"

#include <utility>

#include "base/log.h"
#include "os/file.h"

namespace engine {

namespace {

constexpr int kCacheKib = 256;

constexpr char kSchema[] = R"sql(
PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF;
CREATE TABLE IF NOT EXISTS owner(name TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS objects(
  id INTEGER PRIMARY KEY, client TEXT NOT NULL, level INTEGER NOT NULL, min INTEGER NOT NULL, max INTEGER NOT NULL,
  bytes BLOB NOT NULL, UNIQUE(client, level, min, max));
)sql";

void bind_name(sqlite::Statement& s, std::string_view client_id, const storage::LtxName& name) {
  s.bind(1, client_id).bind(2, std::int64_t{name.level.value});
  s.bind(3, static_cast<std::int64_t>(name.min.value)).bind(4, static_cast<std::int64_t>(name.max.value));
}

}  // namespace

ObjectCache::ObjectCache(std::filesystem::path file, std::string owner, std::uint64_t quota_bytes)
    : file_(std::move(file)), owner_(std::move(owner)), quota_(quota_bytes) {
  if (auto opened = open(); !opened) begin_anew();
}

base::Result<> ObjectCache::open() {
  if (quota_ == 0) return {};
  TRY_ASSIGN(connection_, sqlite::Connection::open(file_, sqlite::OpenMode::read_write_create,
                                                   {std::chrono::milliseconds(0), kCacheKib}));
  TRY(connection_->execute(kSchema));
  TRY_ASSIGN(auto owner, connection_->prepare("SELECT name FROM owner"));
  TRY_ASSIGN(const bool owned, owner.step());
  if (owned && owner.text(0) != owner_) return base::fail(base::Category::conflict, "cache of another state database");
  owner.reset();
  if (!owned) {
    TRY_ASSIGN(auto claim, connection_->prepare("INSERT INTO owner VALUES(?1)"));
    TRY(claim.bind(1, owner_).run());
  }
  TRY_ASSIGN(const std::int64_t size, connection_->query_integer("SELECT ifnull(sum(length(bytes)),0) FROM objects"));
  size_ = static_cast<std::uint64_t>(size);
  return {};
}

void ObjectCache::begin_anew() {
  connection_.reset();
  size_ = 0;
  for (const char* part : {"", "-wal", "-shm"}) {
    if (auto removed = os::remove_file(file_.string() + part); !removed) {
      return base::log::warn("object cache cannot be used", {{"reason", removed.error()}});
    }
  }
  if (auto opened = open(); !opened) {
    connection_.reset();
    base::log::warn("object cache cannot be used", {{"reason", opened.error()}});
  }
}

void ObjectCache::check(const base::Result<>& result) {
  if (!result) begin_anew();
}

void ObjectCache::put(std::span<const CachedObject> objects) {
  if (connection_ && !objects.empty()) check(try_put(objects));
}

base::Result<> ObjectCache::try_put(std::span<const CachedObject> objects) {
  TRY_ASSIGN(auto transaction, sqlite::Transaction::begin(*connection_));
  TRY_ASSIGN(auto insert,
             connection_->prepare("INSERT INTO objects(client,level,min,max,bytes) VALUES(?1,?2,?3,?4,?5)"));
  for (const CachedObject& object : objects) {
    TRY(remove(object.client_id, object.name));
    if (object.bytes.size() > kObjectBytesMax) continue;
    bind_name(insert, object.client_id, object.name);
    insert.bind(5, base::ByteView(object.bytes));
    TRY(insert.run());
    size_ += object.bytes.size();
  }
  TRY(make_room());
  return transaction.commit();
}

base::Result<> ObjectCache::make_room() {
  while (size_ > quota_) {
    TRY_ASSIGN(auto oldest, connection_->prepare("SELECT id, length(bytes) FROM objects ORDER BY id LIMIT 1"));
    TRY_ASSIGN(const bool found, oldest.step());
    if (!found) return base::fail(base::Category::corrupt, "object cache: sizes do not add up");
    TRY_ASSIGN(auto remove, connection_->prepare("DELETE FROM objects WHERE id=?1"));
    TRY(remove.bind(1, oldest.integer(0)).run());
    size_ -= static_cast<std::uint64_t>(oldest.integer(1));
  }
  return {};
}

std::optional<base::Bytes> ObjectCache::get(std::string_view client_id, const storage::LtxName& name) {
  std::optional<base::Bytes> bytes;
  if (connection_) {
    if (auto found = try_get(client_id, name); found) {
      bytes = std::move(*found);
    } else {
      begin_anew();
    }
  }
  ++(bytes ? counts_.hits : counts_.misses);
  return bytes;
}

base::Result<std::optional<base::Bytes>> ObjectCache::try_get(std::string_view client_id,
                                                              const storage::LtxName& name) {
  TRY_ASSIGN(auto s, connection_->prepare("SELECT bytes FROM objects WHERE client=?1 AND level=?2 AND min=?3 AND "
                                          "max=?4"));
  bind_name(s, client_id, name);
  TRY_ASSIGN(const bool found, s.step());
  if (!found) return std::nullopt;
  const base::ByteView blob = s.blob(0);
  return base::Bytes(blob.begin(), blob.end());
}

void ObjectCache::drop(std::string_view client_id, std::span<const storage::LtxName> names) {
  if (connection_ && !names.empty()) check(try_drop(client_id, names));
}

base::Result<> ObjectCache::try_drop(std::string_view client_id, std::span<const storage::LtxName> names) {
  TRY_ASSIGN(auto transaction, sqlite::Transaction::begin(*connection_));
  for (const storage::LtxName& name : names) TRY(remove(client_id, name));
  return transaction.commit();
}

// Inside a transaction.
base::Result<> ObjectCache::remove(std::string_view client_id, const storage::LtxName& name) {
  TRY_ASSIGN(auto find, connection_->prepare("SELECT id, length(bytes) FROM objects WHERE client=?1 AND level=?2 AND "
                                             "min=?3 AND max=?4"));
  bind_name(find, client_id, name);
  TRY_ASSIGN(const bool found, find.step());
  if (!found) return {};
  const std::int64_t id = find.integer(0);
  size_ -= static_cast<std::uint64_t>(find.integer(1));
  find.reset();
  TRY_ASSIGN(auto remove, connection_->prepare("DELETE FROM objects WHERE id=?1"));
  return remove.bind(1, id).run();
}

void ObjectCache::drop(std::string_view client_id) {
  if (connection_) check(try_drop_all(client_id));
}

base::Result<> ObjectCache::try_drop_all(std::string_view client_id) {
  TRY_ASSIGN(auto transaction, sqlite::Transaction::begin(*connection_));
  TRY_ASSIGN(auto size, connection_->prepare("SELECT ifnull(sum(length(bytes)),0) FROM objects WHERE client=?1"));
  size.bind(1, client_id);
  TRY_ASSIGN([[maybe_unused]] const bool one, size.step());
  size_ -= static_cast<std::uint64_t>(size.integer(0));
  size.reset();
  TRY_ASSIGN(auto remove, connection_->prepare("DELETE FROM objects WHERE client=?1"));
  TRY(remove.bind(1, client_id).run());
  return transaction.commit();
}

}  // namespace engine
