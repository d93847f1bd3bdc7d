#include "oracle/worker/examine.h"

#include <fstream>
#include <iterator>
#include <vector>

#include "oracle/worker/content.h"

namespace oracle {

namespace {

using Problems = std::vector<std::string>;

Head look_into(const std::string& path, Problems& problems) {
  Database database(path, Database::Mode::immutable, 0);
  Statement check = database.prepare("PRAGMA integrity_check(5)");
  while (check.step()) {
    if (check.text(0) != "ok") problems.push_back("integrity: " + check.text(0));
  }
  const auto head = read_head(database);
  if (!head) {
    if (database.integer("SELECT count(*) FROM sqlite_schema") != 0) problems.emplace_back("tables, but no head");
    return {};
  }
  if (head->computed_hash() != head->hash) problems.emplace_back("the head's hash is not that of the head");
  if (sum_of_all_tables(database) != head->rows_sum)
    problems.emplace_back("rows are not those of the head's transaction");
  if (sum_of_schema(database) != head->schema_sum)
    problems.emplace_back("schema is not that of the head's transaction");
  return *head;
}

std::string quoted(const std::string& text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    result += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  }
  return result + '"';
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

}  // namespace

std::string examine(const std::string& path) {
  Problems problems;
  Head head;
  try {
    head = look_into(path, problems);
  } catch (const std::exception& error) {
    problems.emplace_back(error.what());
  }
  const std::string bytes = read_file(path);
  std::string list;
  for (const std::string& problem : problems) list += (list.empty() ? "" : ", ") + quoted(problem);
  return "{\"number\": " + std::to_string(head.number) + ", \"hash\": " + quoted(head.hash) +
         ", \"previous\": " + quoted(head.previous) + ", \"digest\": " + quoted(hex_digest(bytes)) +
         ", \"bytes\": " + std::to_string(bytes.size()) + ", \"problems\": [" + list + "]}";
}

}  // namespace oracle
