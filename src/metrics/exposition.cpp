#include "metrics/exposition.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "base/check.h"

namespace metrics {

namespace {

constexpr std::string_view kNameStart = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";
constexpr std::string_view kDigits = "0123456789";

// [a-zA-Z_:][a-zA-Z0-9_:]*; labels are the same without the colon.
bool is_name(std::string_view name, bool colon_allowed) {
  if (name.empty() || kDigits.contains(name.front())) return false;
  return std::ranges::all_of(name, [colon_allowed](char c) {
    return kNameStart.contains(c) || kDigits.contains(c) || (colon_allowed && c == ':');
  });
}

void append_escaped(std::string& out, std::string_view text, bool quotes) {
  for (const char c : text) {
    if (c == '\\') {
      out += "\\\\";
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '"' && quotes) {
      out += "\\\"";
    } else {
      out += c;
    }
  }
}

std::string_view to_string(Kind kind) {
  switch (kind) {
    case Kind::counter:
      return "counter";
    case Kind::gauge:
      return "gauge";
    case Kind::histogram:
      return "histogram";
  }
  return "untyped";
}

}  // namespace

std::string format_number(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  return fmt::format("{}", value);
}

void Exposition::family(Kind kind, std::string_view name, std::string_view help) {
  CHECK(is_name(name, true));
  CHECK(seen_.emplace(name).second);
  name_ = name;
  kind_ = kind;
  text_ += fmt::format("# HELP {} ", name);
  append_escaped(text_, help, false);
  text_ += fmt::format("\n# TYPE {} {}\n", name, to_string(kind));
}

void Exposition::append_line(std::string_view suffix, Labels labels, const Label* extra, std::string_view value) {
  CHECK(!name_.empty());
  text_ += name_;
  text_ += suffix;
  char separator = '{';
  const auto append_label = [&](const Label& label) {
    CHECK(is_name(label.name, false));
    text_ += separator;
    text_ += label.name;
    text_ += "=\"";
    append_escaped(text_, label.value, true);
    text_ += '"';
    separator = ',';
  };
  std::ranges::for_each(labels, append_label);
  if (extra != nullptr) append_label(*extra);
  if (separator == ',') text_ += '}';
  text_ += ' ';
  text_ += value;
  text_ += '\n';
}

void Exposition::sample_text(Labels labels, std::string_view value) {
  CHECK(kind_ != Kind::histogram);
  append_line("", labels, nullptr, value);
}

void Exposition::sample(Labels labels, double value) {
  sample_text(labels, format_number(value));
}

void Exposition::sample(Labels labels, const HistogramSample& histogram) {
  CHECK(kind_ == Kind::histogram);
  CHECK(histogram.counts.size() == histogram.upper_bounds.size() + 1);
  CHECK(std::ranges::is_sorted(histogram.upper_bounds));
  std::uint64_t cumulative = 0;
  for (std::size_t i = 0; i < histogram.counts.size(); ++i) {
    cumulative += histogram.counts[i];
    const std::string bound =
        i < histogram.upper_bounds.size() ? format_number(histogram.upper_bounds[i]) : std::string("+Inf");
    const Label le{"le", bound};
    append_line("_bucket", labels, &le, std::to_string(cumulative));
  }
  append_line("_sum", labels, nullptr, format_number(histogram.sum));
  append_line("_count", labels, nullptr, std::to_string(cumulative));
}

void Exposition::counter(std::string_view name, std::string_view help, std::uint64_t value) {
  family(Kind::counter, name, help);
  sample({}, value);
}

void Exposition::gauge(std::string_view name, std::string_view help, std::uint64_t value) {
  family(Kind::gauge, name, help);
  sample({}, value);
}

}  // namespace metrics
