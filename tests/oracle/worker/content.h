// What makes a database describe itself: the row of table `head` names the transaction that made this state, is chained
// by hash to the one before, and holds a sum over every row and over the schema, which anybody can compute again.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "oracle/worker/database.h"

namespace oracle {

struct Head {
  std::int64_t number = -1;      // none yet
  std::string previous;          // hash of the state before, 32 hex digits
  std::string nonce;             // tells apart two transactions that do the same to the same state
  std::uint64_t rows_sum = 0;    // over all rows of all tables but `head`, in any order
  std::uint64_t schema_sum = 0;  // over sqlite_schema without root pages
  std::string hash;              // of all of the above

  [[nodiscard]] std::string computed_hash() const;
};

inline constexpr std::string_view kNoState = "00000000000000000000000000000000";

// nullopt: there is no table `head` yet.
std::optional<Head> read_head(Database& database);
void write_head(Database& database, const Head& head);

// Sum of the hashes of rows of one table, wrapping. `where` is SQL or empty for all.
std::uint64_t sum_of_rows(Database& database, const std::string& table, const std::string& where = {});
std::uint64_t sum_of_schema(Database& database);
std::uint64_t sum_of_all_tables(Database& database);

std::string hex_digest(std::string_view bytes);

}  // namespace oracle
