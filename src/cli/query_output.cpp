#include "cli/query_output.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace cli {
namespace {

using sqlite::Value;

constexpr std::size_t kRowsForWidths = 200;
constexpr std::size_t kWidthMax = 80;  // a longer cell stands out of its column

std::string text_of(double value) {
  if (std::isinf(value)) return value > 0 ? "Inf" : "-Inf";
  std::string text = fmt::format("{}", value);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

std::string blob_text(base::ByteView bytes) {
  std::string hex = base::to_hex(bytes);
  std::ranges::transform(hex, hex.begin(), [](char c) { return c >= 'a' && c <= 'f' ? static_cast<char>(c - 32) : c; });
  return "X'" + hex + "'";
}

bool is_number(const Value& value) {
  return std::holds_alternative<std::int64_t>(value) || std::holds_alternative<double>(value);
}

// A tenant's text must not move the cursor, colour the screen or begin a new line.
std::string for_terminal(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const bool c1 = byte == 0xC2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA0;
    if (c1) {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(text[++i]));
    } else if (text[i] == '\n') {
      out += "\\n";
    } else if (text[i] == '\t') {
      out += "\\t";
    } else if (byte < 0x20 || byte == 0x7f) {
      out += fmt::format("\\x{:02x}", byte);
    } else {
      out += text[i];
    }
  }
  return out;
}

std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

struct TableCell {
  std::string operator()(std::monostate /*null*/) const { return "NULL"; }
  std::string operator()(std::int64_t value) const { return std::to_string(value); }
  std::string operator()(double value) const { return text_of(value); }
  std::string operator()(std::string_view value) const { return for_terminal(value); }
  std::string operator()(base::ByteView value) const { return blob_text(value); }
};

class TableOutput final : public sqlite::RowSink {
 public:
  explicit TableOutput(WriteText write) : write_(std::move(write)) {}

  base::Result<> begin(const std::vector<std::string>& columns) override {
    rows_.clear();
    numeric_.assign(columns.size(), true);
    head_.clear();
    for (const std::string& column : columns) head_.push_back(for_terminal(column));
    measuring_ = true;
    if (std::exchange(not_first_, true)) TRY(write_("\n"));
    return {};
  }

  base::Result<> row(std::span<const Value> values) override {
    std::vector<std::string> cells;
    for (std::size_t i = 0; i < values.size(); ++i) {
      const bool null = std::holds_alternative<std::monostate>(values[i]);
      if (measuring_ && !null && !is_number(values[i])) numeric_[i] = false;
      cells.push_back(std::visit(TableCell{}, values[i]));
    }
    if (!measuring_) return write_(line(cells));
    rows_.push_back(std::move(cells));
    return rows_.size() < kRowsForWidths ? base::Result<>{} : write_measured();
  }

  base::Result<> end() override { return measuring_ ? write_measured() : base::Result<>{}; }

 private:
  base::Result<> write_measured() {
    measuring_ = false;
    widths_.assign(head_.size(), 0);
    for (std::size_t i = 0; i < head_.size(); ++i) {
      // A column of nothing but NULL is none of numbers.
      if (std::ranges::all_of(rows_, [&](const auto& cells) { return cells[i] == "NULL"; })) numeric_[i] = false;
      widths_[i] = width_of(head_[i]);
      for (const auto& cells : rows_) widths_[i] = std::max(widths_[i], std::min(kWidthMax, width_of(cells[i])));
    }
    std::vector<std::string> rule;
    rule.reserve(widths_.size());
    for (const std::size_t width : widths_) rule.emplace_back(width, '-');
    std::string text = line(head_) + line(rule);
    for (const auto& cells : rows_) text += line(cells);
    rows_.clear();
    return write_(text);
  }

  [[nodiscard]] std::string line(const std::vector<std::string>& cells) const {
    std::string text;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const std::size_t width = width_of(cells[i]);
      const std::string pad(width < widths_[i] ? widths_[i] - width : 0, ' ');
      const bool last = i + 1 == cells.size();
      text += numeric_[i] ? pad + cells[i] : cells[i] + (last ? "" : pad);
      text += last ? "\n" : "  ";
    }
    return text;
  }

  WriteText write_;
  bool not_first_ = false;
  bool measuring_ = false;
  std::vector<std::string> head_;
  std::vector<std::size_t> widths_;
  std::vector<bool> numeric_;
  std::vector<std::vector<std::string>> rows_;
};

std::string csv_quoted(std::string_view text) {
  if (!text.empty() && text.find_first_of(",\"\r\n") == std::string_view::npos && text.front() != ' ' &&
      text.back() != ' ') {
    return std::string(text);
  }
  std::string out = "\"";
  for (const char c : text) out += c == '"' ? "\"\"" : std::string(1, c);
  return out + "\"";
}

struct CsvCell {
  std::string operator()(std::monostate /*null*/) const { return ""; }
  std::string operator()(std::int64_t value) const { return std::to_string(value); }
  std::string operator()(double value) const { return text_of(value); }
  std::string operator()(std::string_view value) const { return csv_quoted(value); }
  std::string operator()(base::ByteView value) const { return blob_text(value); }
};

class CsvOutput final : public sqlite::RowSink {
 public:
  explicit CsvOutput(WriteText write) : write_(std::move(write)) {}

  base::Result<> begin(const std::vector<std::string>& columns) override {
    std::string text = std::exchange(not_first_, true) ? "\n" : "";
    for (std::size_t i = 0; i < columns.size(); ++i) text += (i == 0 ? "" : ",") + csv_quoted(columns[i]);
    return write_(text + "\n");
  }
  base::Result<> row(std::span<const Value> values) override {
    std::string text;
    for (std::size_t i = 0; i < values.size(); ++i) text += (i == 0 ? "" : ",") + std::visit(CsvCell{}, values[i]);
    return write_(text + "\n");
  }
  base::Result<> end() override { return {}; }

 private:
  WriteText write_;
  bool not_first_ = false;
};

std::string json_string(std::string_view text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

struct JsonCell {
  std::string operator()(std::monostate /*null*/) const { return "null"; }
  std::string operator()(std::int64_t value) const { return std::to_string(value); }
  std::string operator()(double value) const {
    if (std::isinf(value)) return value > 0 ? "9.0e+999" : "-9.0e+999";
    return text_of(value);
  }
  std::string operator()(std::string_view value) const { return json_string(value); }
  std::string operator()(base::ByteView value) const { return "\"" + base::to_hex(value) + "\""; }
};

class JsonOutput final : public sqlite::RowSink {
 public:
  explicit JsonOutput(WriteText write) : write_(std::move(write)) {}

  base::Result<> begin(const std::vector<std::string>& columns) override {
    keys_.clear();
    std::set<std::string> taken;
    for (const std::string& column : columns) {
      std::string key = column;
      for (int number = 2; !taken.insert(key).second; ++number) key = column + ":" + std::to_string(number);
      keys_.push_back(json_string(key));
    }
    first_row_ = true;
    return write_("[");
  }
  base::Result<> row(std::span<const Value> values) override {
    std::string text = std::exchange(first_row_, false) ? "{" : ",\n{";
    for (std::size_t i = 0; i < values.size(); ++i) {
      text += (i == 0 ? "" : ",") + keys_[i] + ":" + std::visit(JsonCell{}, values[i]);
    }
    return write_(text + "}");
  }
  base::Result<> end() override { return write_("]\n"); }

 private:
  WriteText write_;
  bool first_row_ = true;
  std::vector<std::string> keys_;
};

}  // namespace

std::unique_ptr<sqlite::RowSink> make_query_output(QueryFormat format, WriteText write) {
  switch (format) {
    case QueryFormat::csv:
      return std::make_unique<CsvOutput>(std::move(write));
    case QueryFormat::json:
      return std::make_unique<JsonOutput>(std::move(write));
    case QueryFormat::table:
      break;
  }
  return std::make_unique<TableOutput>(std::move(write));
}

}  // namespace cli
