// Errors as values. Every operation that can fail for an ordinary reason (network, disk, other writers, bad input)
// returns Result<T>; exceptions of the standard library or third parties are converted at the module edge.
//
// The category says what the caller does about it, not where it came from; no errno and no provider code crosses a
// module edge. An error is returned or handled, never logged and dropped: it is logged once, where it is handled.
#pragma once

#include <chrono>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace base {

enum class Category {
  retry_later,  // may pass by itself: network, 5xx, busy file; try again with backoff
  throttled,    // the other side asked us to slow down; honour retry_after
  not_found,    // the thing does not exist
  conflict,     // somebody else's object or lock is in the way; do not overwrite, do not retry blindly
  denied,       // permissions or credentials; a person must act
  corrupt,      // bytes that break their format's rules; quarantine that one subject
  unsupported,  // valid but not something we handle (or the store cannot do it)
  invalid,      // the caller's or the user's input is wrong; say how to mend it
  cancelled,    // deadline passed or stop requested
  io,           // local disk or operating system failed: ENOSPC, EIO, EMFILE
};

std::string_view to_string(Category category);

// Value type, cheap to move. `message` names what failed, on which subject, and how to mend it if we know; it never
// holds a secret.
struct Error {
  Category category = Category::io;
  std::string message;
  std::optional<std::chrono::milliseconds> retry_after;

  // Same category, message "context: message". Use it where an error crosses from mechanism to meaning.
  [[nodiscard]] Error with_context(std::string_view context) const;
};

inline bool operator==(const Error& a, const Error& b) {
  return a.category == b.category && a.message == b.message && a.retry_after == b.retry_after;
}

template <typename T = void>
using Result = std::expected<T, Error>;

// For `return fail(Category::corrupt, "...")`.
[[nodiscard]] inline std::unexpected<Error> fail(Category category, std::string message) {
  return std::unexpected(Error{category, std::move(message), std::nullopt});
}
[[nodiscard]] inline std::unexpected<Error> fail(Error error) {
  return std::unexpected(std::move(error));
}

// True where the same call may succeed later without anybody's help.
bool is_transient(Category category);

}  // namespace base

// Propagate an error: TRY(expr) for Result<void>, TRY_ASSIGN(lhs, expr) for the rest.
#define BASE_CONCAT_INNER(a, b) a##b
#define BASE_CONCAT(a, b) BASE_CONCAT_INNER(a, b)
#define TRY(expr)                                                                          \
  do {                                                                                     \
    if (auto try_result = (expr); !try_result) return std::unexpected(try_result.error()); \
  } while (false)
#define TRY_ASSIGN(lhs, expr) TRY_ASSIGN_INNER(BASE_CONCAT(try_result_, __LINE__), lhs, expr)
#define TRY_ASSIGN_INNER(tmp, lhs, expr)                    \
  auto tmp = (expr);                                        \
  if (!tmp) return std::unexpected(std::move(tmp).error()); \
  lhs = std::move(*tmp)
