#include "storage/keys.h"

#include <gtest/gtest.h>

namespace storage {
namespace {

constexpr std::string_view kReplica = "databases/0b6f1e0a-0000-4000-8000-000000000001";

LtxName name_of(std::uint8_t level, std::uint64_t min, std::uint64_t max) {
  return {base::Level{level}, base::Txid{min}, base::Txid{max}};
}

TEST(Keys, AreSpelledAsLitestreamSpellsThem) {
  EXPECT_EQ(replica_path(base::DatabaseId{"0b6f1e0a-0000-4000-8000-000000000001"}), kReplica);
  EXPECT_EQ(ltx_key(KeyLayout::s3, "databases/x", name_of(9, 1, 0xabc)).value,
            "databases/x/0009/0000000000000001-0000000000000abc.ltx");
  EXPECT_EQ(ltx_key(KeyLayout::file, "databases/x", name_of(0, 255, 255)).value,
            "databases/x/ltx/0/00000000000000ff-00000000000000ff.ltx");
  EXPECT_EQ(level_prefix(KeyLayout::s3, "databases/x", base::Level{1}), "databases/x/0001/");
  EXPECT_EQ(level_prefix(KeyLayout::file, "databases/x", base::Level{1}), "databases/x/ltx/1/");
}

TEST(Keys, AreReadBackInBothLayouts) {
  for (const KeyLayout layout : {KeyLayout::s3, KeyLayout::file}) {
    for (std::uint8_t level = 0; level <= 9; ++level) {
      for (const auto& name : {name_of(level, 1, 1), name_of(level, 1, ~std::uint64_t{0}), name_of(level, 7, 0xffff)}) {
        EXPECT_EQ(parse_ltx_key(layout, kReplica, ltx_key(layout, kReplica, name).value), name);
      }
    }
  }
}

TEST(Keys, SkipsWhatIsNoLtxFileOfTheReplica) {
  const char* const foreign[] = {
      "",
      "r",
      "r/",
      "r/0000/",
      "r/0000/0000000000000001-0000000000000001.ltx.tmp",
      "r/0000/0000000000000001-0000000000000001.LTX",
      "r/0000/000000000000001-0000000000000001.ltx",
      "r/0000/0000000000000002-0000000000000001.ltx",
      "r/0000/0000000000000000-0000000000000001.ltx",
      "r/0000/000000000000000A-000000000000000B.ltx",
      "r/0000/+000000000000001-0000000000000001.ltx",
      "r/0000/0000000000000001_0000000000000001.ltx",
      "r/000a/0000000000000001-0000000000000001.ltx",
      "r/000/0000000000000001-0000000000000001.ltx",
      "r/00000/0000000000000001-0000000000000001.ltx",
      "r/+000/0000000000000001-0000000000000001.ltx",
      "r/0000/x/0000000000000001-0000000000000001.ltx",
      "r/ltx/0/0000000000000001-0000000000000001.ltx",
      "r2/0000/0000000000000001-0000000000000001.ltx",
      "r/lock.json",
  };
  for (const char* key : foreign) EXPECT_EQ(parse_ltx_key(KeyLayout::s3, "r", key), std::nullopt) << key;
  for (const char* key :
       {"r/0000/0000000000000001-0000000000000001.ltx", "r/ltx/00/0000000000000001-0000000000000001.ltx",
        "r/ltx/10/0000000000000001-0000000000000001.ltx", "r/ltx//0000000000000001-0000000000000001.ltx"}) {
    EXPECT_EQ(parse_ltx_key(KeyLayout::file, "r", key), std::nullopt) << key;
  }
}

}  // namespace
}  // namespace storage
