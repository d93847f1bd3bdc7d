// Structured log lines on standard error, as text or as one JSON record a line. The message is a constant phrase; what
// varies goes into fields. A secret is never a field: base::Secret has no conversion to text.
//
// Thread safe; a line is written whole. Below the configured level a call costs one atomic load.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

#include "base/error.h"

namespace base::log {

enum class Level { debug, info, warn, error };
enum class Format { text, json };

std::optional<Level> parse_level(std::string_view text);    // "debug", "info", "warn", "error"
std::optional<Format> parse_format(std::string_view text);  // "text", "json"

// Any thread, at any time; lines that are under way may still have the old form. Without a call: info, text.
void configure(Level level, Format format);

struct Field {
  std::string_view name;
  std::string value;

  Field(std::string_view n, std::string v) : name(n), value(std::move(v)) {}
  Field(std::string_view n, std::string_view v) : name(n), value(v) {}
  Field(std::string_view n, const char* v) : name(n), value(v) {}
  template <typename T>
    requires std::is_arithmetic_v<T>
  Field(std::string_view n, T v) : name(n), value(std::to_string(v)) {}
  Field(std::string_view n, const Error& e) : name(n), value(e.message) {}
};

using Fields = std::initializer_list<Field>;

void write(Level level, std::string_view message, Fields fields = {});
inline void debug(std::string_view message, Fields fields = {}) {
  write(Level::debug, message, fields);
}
inline void info(std::string_view message, Fields fields = {}) {
  write(Level::info, message, fields);
}
inline void warn(std::string_view message, Fields fields = {}) {
  write(Level::warn, message, fields);
}
inline void error(std::string_view message, Fields fields = {}) {
  write(Level::error, message, fields);
}

// The line without its newline, for tests.
std::string render(Level level, std::string_view message, Fields fields, Format format, std::string_view timestamp);

}  // namespace base::log
