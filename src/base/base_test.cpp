#include <gtest/gtest.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"

namespace base {
namespace {

TEST(Clock, Rfc3339DropsTrailingZerosOfTheFraction) {
  EXPECT_EQ(to_rfc3339(UnixMillis{1767225604999}), "2026-01-01T00:00:04.999Z");
  EXPECT_EQ(to_rfc3339(UnixMillis{1767225601500}), "2026-01-01T00:00:01.5Z");
  EXPECT_EQ(to_rfc3339(UnixMillis{1767225600000}), "2026-01-01T00:00:00Z");
}

TEST(Bytes, BigEndianRoundTrip) {
  std::array<std::uint8_t, 8> raw{};
  store_be64(raw.data(), 0x0102030405060708ULL);
  EXPECT_EQ(raw[0], 1);
  EXPECT_EQ(load_be64(raw.data()), 0x0102030405060708ULL);
  EXPECT_EQ(load_be32(raw.data() + 4), 0x05060708U);
  EXPECT_EQ(hex16(255), "00000000000000ff");
}

TEST(Log, TextQuotesOnlyWhatNeedsIt) {
  EXPECT_EQ(log::render(log::Level::info, "stored", {{"client", "a-b"}, {"path", "x y"}}, log::Format::text, "T"),
            "T info  stored client=a-b path=\"x y\"");
}

TEST(Log, JsonEscapesControlCharactersAndQuotes) {
  EXPECT_EQ(log::render(log::Level::error, "say \"no\"", {{"why", "a\nb"}}, log::Format::json, "T"),
            R"({"time":"T","level":"error","message":"say \"no\"","why":"a\nb"})");
}

TEST(Error, ContextIsPutInFront) {
  const Error error{Category::denied, "403", std::nullopt};
  EXPECT_EQ(error.with_context("PUT k").message, "PUT k: 403");
  EXPECT_EQ(error.with_context("PUT k").category, Category::denied);
}

}  // namespace
}  // namespace base
