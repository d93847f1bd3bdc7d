// What a transaction can do to a database, by name, with the sum over all rows kept up to date.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "oracle/worker/database.h"

namespace oracle {

using Random = std::mt19937_64;

// Evenly from low to high, both included.
std::int64_t pick(Random& random, std::int64_t low, std::int64_t high);
std::string random_hex(Random& random, std::size_t bytes);

// The tables that every database of the oracle begins with.
void create_tables(Database& database);

// Within one transaction. `rows_sum` goes in and comes out as the sum over all rows (content.h).
class Changes {
 public:
  Changes(Database& database, Random& random, std::uint64_t rows_sum)
      : database_(database), random_(random), rows_sum_(rows_sum) {}

  // Names: see names(). An unknown one throws.
  void apply(std::string_view name);
  [[nodiscard]] std::uint64_t rows_sum() const { return rows_sum_; }
  static std::vector<std::string_view> names();

 private:
  friend struct ChangeTable;
  void insert_rows(std::int64_t count, std::int64_t bytes_max);
  void insert();
  void update();
  void remove();
  void bulk();
  void huge();
  void blob();
  void pairs();
  void clear();
  void shrink();
  void schema();
  void savepoint();
  void small();
  // Rows of `table` that match are changed by `sql`; they must match before and after.
  void change(const std::string& table, const std::string& where, const std::string& sql);

  Database& database_;
  Random& random_;
  std::uint64_t rows_sum_;
};

}  // namespace oracle
