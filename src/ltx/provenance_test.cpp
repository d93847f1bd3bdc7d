#include "ltx/provenance.h"

#include "ltx/test_support.h"

namespace ltx {
namespace {

TEST(Provenance, TravelsInTheReservedBytes) {
  Header header = test::sample_header(3, 3, 2);
  const Provenance ours{.database_checksum = 0x8123456789abcdef, .lineage = 0xfedcba9876543210};
  set_provenance(header, ours);
  EXPECT_EQ(base::to_hex(header.reserved), "8123456789abcdeffedcba98765432104c534d31");
  const auto decoded = decode_header(encode_header(header));
  ASSERT_TRUE(decoded);
  EXPECT_EQ(provenance(*decoded), ours);
}

TEST(Provenance, OfAForeignFileIsAbsent) {
  Header header = test::sample_header(3, 3, 2);
  EXPECT_EQ(provenance(header), std::nullopt);
  set_provenance(header, {.database_checksum = 1, .lineage = 2});
  header.reserved[19] = '2';
  EXPECT_EQ(provenance(header), std::nullopt);
}

TEST(Provenance, WithoutLineageIsNotOurs) {
  Header header = test::sample_header(3, 3, 2);
  set_provenance(header, {.database_checksum = 1, .lineage = 2});
  header.reserved[15] = 0;
  EXPECT_EQ(provenance(header), std::nullopt);
}

TEST(Provenance, AnUnknownDatabaseChecksumIsZero) {
  Header header = test::sample_header(3, 3, 2);
  set_provenance(header, {.database_checksum = 0, .lineage = 2});
  EXPECT_EQ(provenance(header)->database_checksum, 0U);
}

}  // namespace
}  // namespace ltx
