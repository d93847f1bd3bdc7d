#include "engine/page_shelf.h"

#include <fstream>

#include <gtest/gtest.h>

#include "os/testing.h"

namespace engine {
namespace {

using os::testing::TempDir;

base::Bytes bytes_of(std::size_t size, std::uint8_t value) {
  return base::Bytes(size, value);
}

PageShelf opened(const std::filesystem::path& directory, std::uint64_t quota = 1U << 20) {
  auto shelf = PageShelf::open(directory, quota);
  CHECK(shelf.has_value());
  return *std::move(shelf);
}

TEST(PageShelf, KeepsFramesAndIndexesUnderTheirFileForTheNextProcess) {
  const TempDir dir;
  const auto place = dir / "cache";
  const base::Bytes one = bytes_of(100, 1);
  const base::Bytes two = bytes_of(50, 2);
  {
    PageShelf shelf = opened(place);
    const std::vector<ShelvedFrame> frames{{.file_checksum = 7, .page = 1, .frame = one},
                                           {.file_checksum = 7, .page = 2, .frame = two}};
    shelf.keep_frames(frames);
    shelf.keep_index(1ULL << 63, two);
  }
  PageShelf shelf = opened(place);
  EXPECT_EQ(shelf.frame(7, 1), one);
  EXPECT_EQ(shelf.frame(7, 2), two);
  EXPECT_EQ(shelf.index(1ULL << 63), two);
  EXPECT_EQ(shelf.frame(8, 1), std::nullopt) << "another file's";
  EXPECT_EQ(shelf.index(7), std::nullopt);
  EXPECT_EQ(std::filesystem::status(place).permissions(), std::filesystem::perms::owner_all);
}

TEST(PageShelf, TheOldestGoWhenTheQuotaIsReached) {
  const TempDir dir;
  PageShelf shelf = opened(dir / "cache", 600'000);
  const base::Bytes page = bytes_of(1000, 3);
  for (std::uint32_t i = 1; i <= 2000; ++i) {
    const std::vector<ShelvedFrame> frame{{.file_checksum = 7, .page = i, .frame = page}};
    shelf.keep_frames(frame);
  }
  EXPECT_EQ(shelf.frame(7, 1), std::nullopt);
  EXPECT_EQ(shelf.frame(7, 1400), std::nullopt) << "600 and a removal's worth stay at most";
  EXPECT_EQ(shelf.frame(7, 2000), page);
  EXPECT_EQ(shelf.failure(), std::nullopt);
  EXPECT_LT(std::filesystem::file_size(dir / "cache" / "pages.db"), 1'500'000U);
}

TEST(PageShelf, WhatIsDamagedOnDiskIsNotThere) {
  const TempDir dir;
  const base::Bytes page = bytes_of(60'000, 3);
  {
    PageShelf shelf = opened(dir / "cache");
    shelf.keep_index(7, page);
  }
  const auto file = dir / "cache" / "pages.db";
  const auto size = std::filesystem::file_size(file);
  {
    std::fstream stream(file, std::ios::binary | std::ios::in | std::ios::out);
    stream.seekp(static_cast<std::streamoff>(size / 2));
    stream << "x";
  }
  PageShelf shelf = opened(dir / "cache");
  EXPECT_EQ(shelf.index(7), std::nullopt);
}

TEST(PageShelf, AFileThatIsNoneIsNamedAndNotTouched) {
  const TempDir dir;
  std::filesystem::create_directory(dir / "cache");
  const auto file = dir / "cache" / "pages.db";
  std::ofstream(file) << std::string(5000, 'x');
  const auto shelf = PageShelf::open(dir / "cache", 1U << 20);
  ASSERT_FALSE(shelf);
  EXPECT_EQ(shelf.error().category, base::Category::io);
  EXPECT_NE(shelf.error().message.find("remove it, nothing is lost"), std::string::npos) << shelf.error().message;
  EXPECT_EQ(os::testing::read_text(file), std::string(5000, 'x'));
}

}  // namespace
}  // namespace engine
