// A query of a backup whose objects were damaged anywhere: an image that is read by its page index, and a small change
// that is read whole. Instructions from the input change bytes; then everything is asked. Slow (real SQLite over a
// store in memory).
#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "engine/backup_reader.h"
#include "fuzz.h"
#include "ltx/encoder.h"
#include "ltx/header.h"
#include "os/testing.h"
#include "sqlite/connection.h"
#include "sqlite/read_session.h"
#include "storage/keys.h"
#include "storage/memory_store.h"

namespace {

constexpr std::string_view kReplica = "databases/11111111-2222-3333-4444-555555555555";
constexpr std::uint32_t kPageSize = 1024;
constexpr const char* kQuestions =
    "SELECT count(*), sum(length(b)), min(a), max(a) FROM t; SELECT a FROM t WHERE a > 'k' ORDER BY a DESC LIMIT 9;"
    "SELECT * FROM w WHERE x = 7; SELECT name, sql FROM sqlite_schema; PRAGMA integrity_check";

base::Bytes object(std::uint64_t txid, const std::vector<char>& before, const std::vector<char>& file) {
  ltx::Header header;
  header.page_size = kPageSize;
  header.commit = static_cast<std::uint32_t>(file.size() / kPageSize);
  header.min_txid = header.max_txid = base::Txid{txid};
  header.timestamp = base::UnixMillis{1'700'000'000'000};
  base::Bytes out;
  ltx::Encoder encoder(header, [&](base::ByteView part) -> base::Result<> {
    out.insert(out.end(), part.begin(), part.end());
    return {};
  });
  for (std::size_t at = 0; at < file.size(); at += kPageSize) {
    const auto page = file.begin() + static_cast<std::ptrdiff_t>(at);
    if (at < before.size() && std::equal(page, page + kPageSize, before.begin() + static_cast<std::ptrdiff_t>(at)))
      continue;
    const base::Bytes bytes(page, page + kPageSize);
    MUST(encoder.add_page(static_cast<std::uint32_t>(at / kPageSize) + 1, bytes).has_value());
  }
  MUST(encoder.finish().has_value());
  return out;
}

std::vector<char> content(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

const std::array<base::Bytes, 2>& valid_objects() {
  static const std::array<base::Bytes, 2> objects = [] {
    const os::testing::TempDir dir;
    auto db = *sqlite::Connection::open(dir / "x.db", sqlite::OpenMode::read_write_create);
    MUST(db.execute(
               "PRAGMA page_size=1024; CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, b BLOB); CREATE INDEX i ON t(a);"
               "CREATE TABLE w(x INT PRIMARY KEY, y) WITHOUT ROWID;"
               "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400)"
               " INSERT INTO t SELECT i, char(97 + i % 26) || i, randomblob(i % 700) FROM n;"
               "INSERT INTO t(a, b) VALUES ('long', randomblob(9000)); INSERT INTO w SELECT id, a FROM t")
             .has_value());
    const auto first = content(dir / "x.db");
    MUST(db.execute("UPDATE t SET a = 'zz' WHERE id = 200").has_value());
    const auto second = content(dir / "x.db");
    return std::array<base::Bytes, 2>{object(1, {}, first), object(2, first, second)};
  }();
  MUST(objects[0].size() > (64U << 10) && objects[1].size() < (64U << 10));
  return objects;
}

void put(storage::MemoryStore& store, std::uint64_t txid, const base::Bytes& bytes) {
  storage::PutRequest request;
  request.key =
      storage::ltx_key(storage::KeyLayout::s3, kReplica, {base::Level{0}, base::Txid{txid}, base::Txid{txid}});
  request.body = std::make_shared<storage::MemoryBody>(bytes);
  request.on_existing = storage::OnExisting::overwrite;
  MUST(storage::put_and_wait(store, std::move(request)).has_value());
}

class CountingSink final : public sqlite::RowSink {
 public:
  base::Result<> begin(const std::vector<std::string>& columns) override {
    columns_ = columns.size();
    return {};
  }
  base::Result<> row(std::span<const sqlite::Value> values) override {
    MUST(values.size() == columns_);
    return ++rows_ < 100'000 ? base::Result<>{} : base::fail(base::Category::cancelled, "enough");
  }
  base::Result<> end() override { return {}; }
  [[nodiscard]] std::size_t rows() const { return rows_; }

 private:
  std::size_t columns_ = 0;
  std::size_t rows_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  storage::MemoryStore store;
  fuzz::Input input(data, size);
  std::array<base::Bytes, 2> objects = valid_objects();
  while (!input.rest().empty()) {
    const std::uint8_t what = input.byte();
    base::Bytes& bytes = objects.at(what & 1U);
    const std::uint64_t offset = input.number(3) % bytes.size();
    // From the front, or from the end, where the index is.
    bytes[(what & 2U) != 0 ? bytes.size() - 1 - offset % std::min<std::size_t>(bytes.size(), 6'000) : offset] =
        input.byte();
  }
  put(store, 1, objects[0]);
  put(store, 2, objects[1]);
  auto reader = engine::BackupReader::open(store, kReplica, {.cache_bytes = 16 * kPageSize});
  if (!reader) {
    MUST(!reader.error().message.empty());
    return 0;
  }
  MUST((*reader)->state().txid == base::Txid{2} || !(*reader)->damaged().empty());
  CountingSink sink;
  auto session = sqlite::ReadSession::open(**reader, {});
  const auto done = session ? session->run(kQuestions, sink) : base::fail(session.error());
  if (objects == valid_objects()) MUST(done.has_value() && sink.rows() == 15);
  if (!done) MUST(!done.error().message.empty());
  return 0;
}
