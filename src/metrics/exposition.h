// Writes the Prometheus text format, version 0.0.4:
//
//   # HELP name text        backslash and newline escaped
//   # TYPE name counter
//   name{label="value"} 12  backslash, newline and quote escaped in values
//
// A family is opened once and all its samples follow it, as the format demands. Broken names, a family opened twice or
// a sample of the wrong kind are mistakes in our code (CHECK); label values and help texts may be any bytes.
//
// Not thread safe; one writer per scrape. Cost: appends to one string.
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <set>
#include <span>
#include <string>
#include <string_view>

namespace metrics {

inline constexpr std::string_view kContentType = "text/plain; version=0.0.4; charset=utf-8";

struct Label {
  std::string_view name;
  std::string_view value;
};
using Labels = std::initializer_list<Label>;

enum class Kind { counter, gauge, histogram };

// One histogram's state. `upper_bounds` ascends and leaves out +Inf; `counts` has one entry more than it (the last is
// what lies above every bound) and is not cumulative: the writer adds up.
struct HistogramSample {
  std::span<const double> upper_bounds;
  std::span<const std::uint64_t> counts;
  double sum = 0;
};

class Exposition {
 public:
  // Opens a family. A counter's name ends in _total unless a name known from elsewhere is kept.
  void family(Kind kind, std::string_view name, std::string_view help);

  // Samples of the family that is open. Integers are written exactly, never as floating point.
  void sample(Labels labels, double value);
  void sample(Labels labels, std::integral auto value) { sample_text(labels, std::to_string(value)); }
  void sample(Labels labels, const HistogramSample& histogram);

  // A family of one sample without labels.
  void counter(std::string_view name, std::string_view help, std::uint64_t value);
  void gauge(std::string_view name, std::string_view help, std::uint64_t value);

  [[nodiscard]] std::string text() && { return std::move(text_); }

 private:
  void sample_text(Labels labels, std::string_view value);
  void append_line(std::string_view suffix, Labels labels, const Label* extra, std::string_view value);

  std::string text_;
  std::string name_;
  Kind kind_ = Kind::gauge;
  std::set<std::string, std::less<>> seen_;
};

// The format's spelling of a number: shortest text that reads back the same, "+Inf", "-Inf", "NaN".
std::string format_number(double value);

}  // namespace metrics
