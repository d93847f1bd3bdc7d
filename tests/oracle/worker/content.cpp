#include "oracle/worker/content.h"

#include <array>
#include <cstring>
#include <vector>

#include <openssl/sha.h>

namespace oracle {

namespace {

using Digest = std::array<unsigned char, SHA256_DIGEST_LENGTH>;

Digest sha256(std::string_view bytes) {
  Digest digest{};
  SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), digest.data());
  return digest;
}

std::uint64_t short_hash(std::string_view bytes) {
  const Digest digest = sha256(bytes);
  std::uint64_t value = 0;
  std::memcpy(&value, digest.data(), sizeof value);
  return value;
}

// Type, length and bytes of each column, so that no two rows have the same text.
void append_row(const Statement& row, std::string& text) {
  const int columns = sqlite3_column_count(row.get());
  for (int column = 0; column < columns; ++column) {
    text += static_cast<char>('0' + sqlite3_column_type(row.get(), column));
    const std::string value = row.text(column);
    text += std::to_string(value.size()) + ':' + value;
  }
}

std::uint64_t sum_of(Statement rows, const std::string& name) {
  std::uint64_t sum = 0;
  std::string text;
  while (rows.step()) {
    text = name + '\n';
    append_row(rows, text);
    sum += short_hash(text);
  }
  return sum;
}

}  // namespace

std::string hex_digest(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  constexpr std::size_t kBytesKept = 16;
  const Digest digest = sha256(bytes);
  std::string text;
  for (std::size_t i = 0; i < kBytesKept; ++i) {
    text += kDigits[digest[i] >> 4U];
    text += kDigits[digest[i] & 0xfU];
  }
  return text;
}

std::string Head::computed_hash() const {
  return hex_digest(previous + '\n' + std::to_string(number) + '\n' + nonce + '\n' + std::to_string(rows_sum) + '\n' +
                    std::to_string(schema_sum));
}

std::optional<Head> read_head(Database& database) {
  if (database.integer("SELECT count(*) FROM sqlite_schema WHERE name = 'head'") == 0) return std::nullopt;
  Statement row = database.prepare("SELECT number, previous, nonce, rows_sum, schema_sum, hash FROM head WHERE id = 1");
  if (!row.step()) throw SqliteError("table head is empty");
  return Head{.number = row.integer(0),
              .previous = row.text(1),
              .nonce = row.text(2),
              .rows_sum = static_cast<std::uint64_t>(row.integer(3)),
              .schema_sum = static_cast<std::uint64_t>(row.integer(4)),
              .hash = row.text(5)};
}

void write_head(Database& database, const Head& head) {
  database.prepare("INSERT OR REPLACE INTO head VALUES(1, ?, ?, ?, ?, ?, ?)")
      .bind(1, head.number)
      .bind(2, std::string_view(head.previous))
      .bind(3, std::string_view(head.nonce))
      .bind(4, static_cast<std::int64_t>(head.rows_sum))
      .bind(5, static_cast<std::int64_t>(head.schema_sum))
      .bind(6, std::string_view(head.hash))
      .run();
}

std::uint64_t sum_of_rows(Database& database, const std::string& table, const std::string& where) {
  return sum_of(database.prepare("SELECT * FROM " + table + (where.empty() ? "" : " WHERE " + where)), table);
}

std::uint64_t sum_of_schema(Database& database) {
  return sum_of(database.prepare("SELECT type, name, tbl_name, sql FROM sqlite_schema"), "sqlite_schema");
}

std::uint64_t sum_of_all_tables(Database& database) {
  std::vector<std::string> tables;
  Statement names = database.prepare(
      "SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'head' AND name NOT LIKE 'sqlite_%'");
  while (names.step()) tables.push_back(names.text(0));
  std::uint64_t sum = 0;
  for (const std::string& table : tables) sum += sum_of_rows(database, table);
  return sum;
}

}  // namespace oracle
