#include "ltx/file_name.h"

#include <gtest/gtest.h>

namespace ltx {
namespace {

TEST(LtxFileName, RoundTripsSmallAndLargeTxids) {
  for (const TxidRange range :
       {TxidRange{base::Txid{1}, base::Txid{1}}, TxidRange{base::Txid{0x1f}, base::Txid{0xabcd}},
        TxidRange{base::Txid{UINT64_MAX}, base::Txid{UINT64_MAX}}}) {
    EXPECT_EQ(parse_file_name(file_name(range)), range);
  }
  EXPECT_EQ(file_name({base::Txid{0x1f}, base::Txid{0xabcd}}), "000000000000001f-000000000000abcd.ltx");
}

TEST(LtxFileName, OtherNamesAreSkipped) {
  for (const char* name : {
           "",
           "lock.json",
           "0000000000000001-0000000000000001.ltx.tmp",
           "0000000000000001-0000000000000001.LTX",
           "0000000000000001_0000000000000001.ltx",
           "00000000000000001-000000000000001.ltx",
           "000000000000000A-000000000000000A.ltx",
           "000000000000000g-000000000000000g.ltx",
           "+000000000000001-0000000000000001.ltx",
           "0000000000000000-0000000000000001.ltx",
           "0000000000000002-0000000000000001.ltx",
       }) {
    EXPECT_EQ(parse_file_name(name), std::nullopt) << name;
  }
}

}  // namespace
}  // namespace ltx
