#include "engine/sibling_ahead.h"

#include <gtest/gtest.h>

namespace engine {
namespace {

using Pages = std::vector<std::uint32_t>;

// An interior index page of 512 bytes with these children.
base::Bytes interior(const Pages& children, std::size_t head = 0) {
  base::Bytes page(512);
  page[head] = 2;
  const std::size_t cells = children.size() - 1;
  page[head + 4] = static_cast<std::uint8_t>(cells);
  base::store_be32(page.data() + head + 8, children.back());
  for (std::size_t i = 0; i < cells; ++i) {
    const std::size_t at = 500 - 6 * i;
    page[head + 12 + 2 * i] = static_cast<std::uint8_t>(at >> 8);
    page[head + 12 + 2 * i + 1] = static_cast<std::uint8_t>(at);
    base::store_be32(page.data() + at, children[i]);
  }
  return page;
}

TEST(SiblingAhead, AScanBringsTheNextChildrenTwiceAsManyEachTime) {
  SiblingAhead ahead(512, 1000, 8);
  ahead.saw(7, interior({900, 30, 500, 2, 77, 640, 12, 13, 14, 15, 16, 17}));
  EXPECT_EQ(ahead.after(900), Pages{}) << "one may be a look-up";
  EXPECT_EQ(ahead.after(30), (Pages{500, 2}));
  EXPECT_EQ(ahead.after(77), (Pages{640, 12, 13, 14}));
  EXPECT_EQ(ahead.after(15), (Pages{16, 17}));
}

TEST(SiblingAhead, AlsoBackwardsAndOnUnderTheNextInteriorPage) {
  SiblingAhead ahead(512, 1000, 8);
  ahead.saw(7, interior({10, 20, 30, 40, 50}));
  EXPECT_EQ(ahead.after(50), Pages{});
  EXPECT_EQ(ahead.after(40), (Pages{30, 20}));
  ahead.saw(8, interior({110, 120, 130, 140, 150, 160}));
  EXPECT_EQ(ahead.after(160), (Pages{150, 140, 130, 120}));
}

TEST(SiblingAhead, LookUpsHereAndThereBringNothing) {
  SiblingAhead ahead(512, 1000, 8);
  Pages children;
  for (std::uint32_t i = 1; i <= 80; ++i) children.push_back(i * 11);
  ahead.saw(7, interior(children));
  for (const std::uint32_t at : {40U, 3U, 70U, 20U, 60U}) EXPECT_EQ(ahead.after(at * 11), Pages{});
  EXPECT_EQ(ahead.after(999), Pages{});
}

TEST(SiblingAhead, WhatIsNoInteriorPageIsPassedOver) {
  SiblingAhead ahead(512, 100, 8);
  base::Bytes leaf = interior({1, 2, 3});
  leaf[0] = 10;
  ahead.saw(7, leaf);
  ahead.saw(8, interior({1, 2, 101}));  // a child beyond the end
  base::Bytes far = interior({1, 2, 3});
  far[12] = 2;  // a cell beyond the page
  ahead.saw(9, far);
  base::Bytes many = interior({1, 2, 3});
  many[3] = 255;  // more cells than fit
  ahead.saw(10, many);
  ahead.saw(11, base::Bytes(100, 2));
  for (const std::uint32_t page : {1U, 2U, 3U}) EXPECT_EQ(ahead.after(page), Pages{});
  ahead.saw(1, interior({1, 2, 3}, 100));
  EXPECT_EQ(ahead.after(2), Pages{});
  EXPECT_EQ(ahead.after(3), Pages{}) << "nothing is after the last";
}

}  // namespace
}  // namespace engine
