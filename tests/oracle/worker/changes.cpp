#include "oracle/worker/changes.h"

#include <algorithm>
#include <array>

#include <sqlite3.h>

#include "oracle/worker/content.h"

namespace oracle {

std::int64_t pick(Random& random, std::int64_t low, std::int64_t high) {
  return std::uniform_int_distribution<std::int64_t>(low, high)(random);
}

std::string random_hex(Random& random, std::size_t bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text(bytes * 2, '0');
  for (char& digit : text) digit = kDigits[random() & 0xfU];
  return text;
}

namespace {

Blob random_blob(Random& random, std::int64_t bytes) {
  Blob blob(static_cast<std::size_t>(bytes));
  std::ranges::generate(blob, [&random] { return static_cast<unsigned char>(random()); });
  return blob;
}

}  // namespace

void create_tables(Database& database) {
  database.run(
      "CREATE TABLE head(id INTEGER PRIMARY KEY, number INT, previous TEXT, nonce TEXT, rows_sum INT, schema_sum INT,"
      " hash TEXT);"
      "CREATE TABLE items(id INTEGER PRIMARY KEY, name TEXT, body BLOB);"
      "CREATE INDEX items_by_name ON items(name);"
      "CREATE TABLE blobs(id INTEGER PRIMARY KEY, body BLOB);"
      "CREATE TABLE pairs(key BLOB PRIMARY KEY, value TEXT) WITHOUT ROWID;");
}

struct ChangeTable {
  struct Entry {
    std::string_view name;
    void (Changes::*run)();
  };
  static constexpr std::array kEntries{
      Entry{"insert", &Changes::insert}, Entry{"update", &Changes::update},       Entry{"remove", &Changes::remove},
      Entry{"bulk", &Changes::bulk},     Entry{"huge", &Changes::huge},           Entry{"blob", &Changes::blob},
      Entry{"pairs", &Changes::pairs},   Entry{"clear", &Changes::clear},         Entry{"shrink", &Changes::shrink},
      Entry{"schema", &Changes::schema}, Entry{"savepoint", &Changes::savepoint}, Entry{"small", &Changes::small}};
};

std::vector<std::string_view> Changes::names() {
  std::vector<std::string_view> found;
  for (const auto& entry : ChangeTable::kEntries) found.push_back(entry.name);
  return found;
}

void Changes::apply(std::string_view name) {
  const auto* entry = std::ranges::find(ChangeTable::kEntries, name, &ChangeTable::Entry::name);
  if (entry == ChangeTable::kEntries.end()) throw std::runtime_error("there is no change " + std::string(name));
  (this->*entry->run)();
}

void Changes::insert_rows(std::int64_t count, std::int64_t bytes_max) {
  const std::int64_t last = database_.integer("SELECT max(id) FROM items");
  Statement insert = database_.prepare("INSERT INTO items VALUES(?, ?, ?)");
  for (std::int64_t i = 1; i <= count; ++i) {
    insert.bind(1, last + i).bind(2, random_hex(random_, 8)).bind(3, random_blob(random_, pick(random_, 0, bytes_max)));
    insert.run();
  }
  rows_sum_ += sum_of_rows(database_, "items", "id > " + std::to_string(last));
}

void Changes::insert() {
  insert_rows(pick(random_, 1, 8), 600);
}

// More pages than a small cache holds: they are in the log before the commit is.
void Changes::bulk() {
  insert_rows(pick(random_, 50, 400), 2000);
}

// More than the memory that one database may use for captured pages.
void Changes::huge() {
  constexpr std::int64_t kMiB = 1 << 20;
  const std::int64_t last = database_.integer("SELECT max(id) FROM blobs");
  Statement insert = database_.prepare("INSERT INTO blobs VALUES(?, ?)");
  const std::int64_t count = pick(random_, 20, 40);
  for (std::int64_t i = 1; i <= count; ++i) insert.bind(1, last + i).bind(2, random_blob(random_, kMiB)).run();
  rows_sum_ += sum_of_rows(database_, "blobs", "id > " + std::to_string(last));
}

void Changes::small() {
  insert_rows(1, 40);
}

void Changes::update() {
  const std::int64_t first =
      pick(random_, 0, std::max<std::int64_t>(1, database_.integer("SELECT max(id) FROM items")));
  const std::string where =
      "id BETWEEN " + std::to_string(first) + " AND " + std::to_string(first + pick(random_, 0, 30));
  const std::string text = random_hex(random_, static_cast<std::size_t>(pick(random_, 4, 100)));
  change("items", where, "UPDATE items SET name = '" + text + "' || id, body = x'" + text + "' WHERE " + where);
}

void Changes::remove() {
  const std::int64_t first =
      pick(random_, 0, std::max<std::int64_t>(1, database_.integer("SELECT max(id) FROM items")));
  const std::string where =
      "id BETWEEN " + std::to_string(first) + " AND " + std::to_string(first + pick(random_, 0, 60));
  change("items", where, "DELETE FROM items WHERE " + where);
}

void Changes::blob() {
  const std::string id = std::to_string(pick(random_, 1, 12));
  const std::int64_t bytes = pick(random_, 0, 8) == 0 ? pick(random_, 100'000, 800'000) : pick(random_, 0, 50'000);
  rows_sum_ -= sum_of_rows(database_, "blobs", "id = " + id);
  database_.prepare("INSERT OR REPLACE INTO blobs VALUES(" + id + ", ?)").bind(1, random_blob(random_, bytes)).run();
  rows_sum_ += sum_of_rows(database_, "blobs", "id = " + id);
}

void Changes::pairs() {
  for (std::int64_t i = pick(random_, 1, 6); i > 0; --i) {
    const std::string key = "x'" + random_hex(random_, 1) + "'";
    const std::string value = random_hex(random_, static_cast<std::size_t>(pick(random_, 0, 150)));
    change("pairs", "key = " + key, "INSERT OR REPLACE INTO pairs VALUES(" + key + ", '" + value + "')");
  }
}

void Changes::clear() {
  const std::string table = pick(random_, 0, 1) == 0 ? "items" : "blobs";
  change(table, "", "DELETE FROM " + table);
}

void Changes::shrink() {
  remove();
  database_.run("PRAGMA incremental_vacuum(" + std::to_string(pick(random_, 1, 50)) + ")");
}

// Tables with names extra0 to extra5 come, change and go.
void Changes::schema() {
  const std::string name = "extra" + std::to_string(pick(random_, 0, 5));
  if (database_.integer("SELECT count(*) FROM sqlite_schema WHERE name = '" + name + "'") == 0) {
    database_.run("CREATE TABLE " + name + "(id INTEGER PRIMARY KEY, a TEXT); CREATE INDEX " + name + "_a ON " + name +
                  "(a); INSERT INTO " + name + "(a) VALUES('" + random_hex(random_, 20) + "'), ('b')");
    rows_sum_ += sum_of_rows(database_, name);
    return;
  }
  const std::int64_t columns = database_.integer("SELECT count(*) FROM pragma_table_info('" + name + "')");
  if (columns > 5 || pick(random_, 0, 3) == 0) {
    rows_sum_ -= sum_of_rows(database_, name);
    database_.run("DROP TABLE " + name);
  } else {
    const std::string column = "c" + std::to_string(columns);
    change(name, "", "ALTER TABLE " + name + " ADD COLUMN " + column + " DEFAULT '" + random_hex(random_, 4) + "'");
  }
}

namespace {

// Before, a transaction that had spilled and went back to a savepoint could be committed with frames that have no
// checksums: if the application then dies, its own database is damaged (src/wal/frames.h, hazard W85).
bool survives_a_rollback_to() {
  constexpr int kRepaired = 3'051'000;  // or earlier: of the two here 3.40 is not, 3.53 is
  return sqlite3_libversion_number() >= kRepaired;
}

}  // namespace

void Changes::savepoint() {
  const std::uint64_t before = rows_sum_;
  database_.run("SAVEPOINT outer_one");
  update();
  database_.run("SAVEPOINT inner_one");
  const std::uint64_t kept = rows_sum_;
  bulk();
  if (survives_a_rollback_to()) {
    database_.run("ROLLBACK TO inner_one");
    rows_sum_ = kept;
  }
  insert();
  if (survives_a_rollback_to() && pick(random_, 0, 3) == 0) {
    database_.run("ROLLBACK TO outer_one");
    rows_sum_ = before;
  }
  database_.run("RELEASE outer_one");
}

void Changes::change(const std::string& table, const std::string& where, const std::string& sql) {
  rows_sum_ -= sum_of_rows(database_, table, where);
  database_.run(sql);
  rows_sum_ += sum_of_rows(database_, table, where);
}

}  // namespace oracle
