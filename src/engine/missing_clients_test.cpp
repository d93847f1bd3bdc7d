#include "engine/missing_clients.h"

#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace engine {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::string id(char last) {
  return std::string("0a1b2c3d-0000-4000-8000-00000000000") + last;
}

BackedUpClient backup(const std::string& name, std::uint64_t size = 100, std::int64_t newest = 1) {
  return {.id = base::DatabaseId{name}, .size_bytes = size, .objects = 1, .newest = base::UnixMillis{newest}};
}

ClientRecord record(const std::string& name, const std::string& path) {
  ClientRecord made;
  made.id = base::DatabaseId{name};
  made.path = path;
  return made;
}

class FindMissing : public ::testing::Test {
 protected:
  MissingClients find(std::vector<BackedUpClient> in_bucket, std::vector<ClientRecord> known) const {
    const std::vector<std::string> roots{"/srv/a", "/srv/b"};
    return find_missing(std::move(in_bucket), std::move(known), roots,
                        [this](const auto& path) { return files_.contains(path.string()); });
  }
  static std::vector<std::string> places(const MissingClients& found) {
    std::vector<std::string> all;
    for (const auto& one : found.missing) all.push_back(one.output.string());
    return all;
  }
  std::set<std::string> files_;
};

TEST_F(FindMissing, WhatNobodyKnowsGoesIntoTheFirstDirectoryTheSmallestFirst) {
  const auto found = find({backup(id('1'), 500), backup(id('2'), 20)}, {});
  EXPECT_THAT(places(found), ElementsAre("/srv/a/" + id('2') + ".db", "/srv/a/" + id('1') + ".db"));
  EXPECT_FALSE(found.missing.front().record);
}

TEST_F(FindMissing, WhatWasSomewhereGoesBackThere) {
  const auto found =
      find({backup(id('1'), 1), backup(id('2'), 2), backup(id('3'), 3)},
           {record(id('1'), "/srv/b/acme/" + id('1') + ".sqlite"), record(id('2'), "/srv/old/" + id('2') + ".db"),
            record(id('3'), "/srv/b2/" + id('3') + ".db")});
  EXPECT_THAT(places(found), ElementsAre("/srv/b/acme/" + id('1') + ".sqlite", "/srv/a/" + id('2') + ".db",
                                         "/srv/a/" + id('3') + ".db"))
      << "places that are not watched are none";
  EXPECT_TRUE(found.missing.front().record);
}

TEST_F(FindMissing, AFileThatIsThereIsNotMissingWhereverItIs) {
  files_ = {"/srv/a/" + id('1') + ".db", "/not/watched/" + id('2') + ".db"};
  const auto found = find({backup(id('1')), backup(id('2'))}, {record(id('1'), "/srv/a/" + id('1') + ".db"),
                                                               record(id('2'), "/not/watched/" + id('2') + ".db")});
  EXPECT_THAT(found.missing, IsEmpty());
}

TEST_F(FindMissing, WhatWasSeenToBeTakenAwayStaysAway) {
  auto gone = record(id('1'), "/srv/a/" + id('1') + ".db");
  gone.removed = base::UnixMillis{5};
  const auto found = find({backup(id('1'))}, {gone});
  EXPECT_THAT(found.missing, IsEmpty());
  EXPECT_THAT(found.taken_away, ElementsAre(base::DatabaseId{id('1')}));
}

TEST_F(FindMissing, OfTwoSpellingsOneIsBroughtBack) {
  const std::string upper = "0A1B2C3D-0000-4000-8000-00000000000F";
  const std::string lower = "0a1b2c3d-0000-4000-8000-00000000000f";
  auto found = find({backup(upper, 1, 10), backup(lower, 1, 20)}, {});
  EXPECT_THAT(places(found), ElementsAre("/srv/a/" + lower + ".db")) << "the one that was stored last";
  EXPECT_THAT(found.differ_by_case, ElementsAre(base::DatabaseId{upper}));

  files_ = {"/srv/a/" + upper + ".db"};
  found = find({backup(upper, 1, 10), backup(lower, 1, 20)}, {record(upper, "/srv/a/" + upper + ".db")});
  EXPECT_THAT(found.missing, IsEmpty());
  EXPECT_THAT(found.differ_by_case, ElementsAre(base::DatabaseId{lower}));
}

}  // namespace
}  // namespace engine
