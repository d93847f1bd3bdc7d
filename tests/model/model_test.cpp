// The rules of continuity hold in every world, and each of them is needed: README.md.
#include <cstdio>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "explore.h"
#include "worlds.h"

namespace model {
namespace {

Outcome explore_and_print(const World& world) {
  Outcome outcome = explore(world);
  fmt::print("{}\n", summary(world, outcome));
  std::fflush(stdout);
  return outcome;
}

TEST(ModelCheck, WhatTheBucketRestoresToWasCommittedInEveryWorld) {
  std::array<std::uint64_t, kProofs> proofs{};
  std::uint64_t states = 0;
  std::uint64_t transitions = 0;
  double seconds = 0;
  for (const World& world : worlds()) {
    const Outcome outcome = explore_and_print(world);
    EXPECT_EQ(outcome.violation, "") << world.name << ":\n" << readable(world, outcome.trace);
    EXPECT_TRUE(outcome.complete);
    for (std::size_t i = 0; i < kProofs; ++i) proofs.at(i) += outcome.proofs.at(i);
    states += outcome.states;
    transitions += outcome.transitions;
    seconds += outcome.seconds;
  }
  fmt::print("in all: {} states, {} transitions, {:.1f} s\nreached:", states, transitions, seconds);
  for (std::size_t i = 0; i < kProofs; ++i) {
    fmt::print(" {} {}", name_of(static_cast<Proof>(i)), proofs.at(i));
    EXPECT_GT(proofs.at(i), 0U) << name_of(static_cast<Proof>(i)) << " never happened, so nothing was shown about it";
  }
  fmt::print("\n");
}

TEST(ModelCheck, EveryFaultIsInTheTable) {
  std::array<int, static_cast<std::size_t>(Fault::count)> seen{};
  for (const SeededFault& seeded : seeded_faults()) ++seen.at(static_cast<std::size_t>(seeded.fault));
  for (std::size_t i = 1; i < seen.size(); ++i) EXPECT_EQ(seen.at(i), 1) << name_of(static_cast<Fault>(i));
}

TEST(ModelCheck, ACounterExampleIsReadAndReplaysToTheSameViolation) {
  World world = world_named("lives");
  world.fault = Fault::second_descriptors_stay_with_an_earlier_life;
  const Outcome outcome = explore(world);
  ASSERT_FALSE(outcome.violation.empty());
  State s = first_state(world);
  Findings findings;
  for (const Action action : outcome.trace) {
    EXPECT_EQ(findings.violation, nullptr) << "it is the last step that goes wrong";
    ASSERT_TRUE(apply({s, world, findings}, action)) << name_of(action);
  }
  ASSERT_NE(findings.violation, nullptr);
  EXPECT_EQ(findings.violation, outcome.violation);
  const std::string text = readable(world, outcome.trace);
  EXPECT_NE(text.find("an application opens the database"), std::string::npos);
  EXPECT_NE(text.find("bucket 1/1"), std::string::npos);
}

class SeededFaultTest : public ::testing::TestWithParam<SeededFault> {};

TEST_P(SeededFaultTest, IsFoundOrProvedToBeCovered) {
  World world = world_named(GetParam().world);
  world.fault = GetParam().fault;
  const Outcome outcome = explore_and_print(world);
  if (GetParam().covered_by.empty()) {
    EXPECT_FALSE(outcome.violation.empty()) << "the rule could go, or the model does not see what it is for";
    fmt::print("{}", readable(world, outcome.trace));
  } else {
    EXPECT_EQ(outcome.violation, "") << "not covered by: " << GetParam().covered_by << "\n"
                                     << readable(world, outcome.trace);
    EXPECT_TRUE(outcome.complete);
  }
}

INSTANTIATE_TEST_SUITE_P(All, SeededFaultTest, ::testing::ValuesIn(seeded_faults()),
                         [](const auto& test) { return std::string(name_of(test.param.fault)); });

}  // namespace
}  // namespace model
