#include "bench/load/processes.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <memory>

namespace gims::bench {
namespace {

using std::chrono::microseconds;

TEST(Processes, AreReadFromTheCommandLine) {
  const auto two = parse_processes("gimsd=12,gims-tlsd=345");
  ASSERT_TRUE(two);
  ASSERT_EQ(two->size(), 2U);
  EXPECT_EQ(two->at(0).name, "gimsd");
  EXPECT_EQ(two->at(0).pid, 12);
  EXPECT_EQ(two->at(1).name, "gims-tlsd");
  EXPECT_EQ(two->at(1).pid, 345);
  EXPECT_TRUE(parse_processes("")->empty());
  for (const char* text : {"gimsd", "gimsd=", "=1", "gimsd=x", "gimsd=1x", "gimsd=0", "a=1,,b=2"}) {
    EXPECT_FALSE(parse_processes(text)) << text;
  }
}

TEST(Processes, ADifferenceIsByPartAndTheTotalOfProcessesAlone) {
  const ProcessorTimes from{{"a", microseconds(10)}, {"a/loop", microseconds(5)}};
  const ProcessorTimes to{
      {"a", microseconds(30)}, {"a/loop", microseconds(15)}, {"b", microseconds(7)}};
  const ProcessorTimes used = difference(from, to);
  EXPECT_EQ(used.at("a"), microseconds(20));
  EXPECT_EQ(used.at("a/loop"), microseconds(10));
  EXPECT_EQ(used.at("b"), microseconds(7));
  EXPECT_EQ(total(used), microseconds(27));
}

TEST(Processes, WorkAndMemoryOfThisProcessAreSeen) {
  const std::vector<Process> self{{.name = "self", .pid = ::getpid()}};
  const ProcessorTimes before = processor_times(self);
  ProcessorTimes now = before;
  // Ends once the kernel has counted a tick of work.
  while (total(now) == total(before)) now = processor_times(self);
  EXPECT_GT(total(difference(before, now)), microseconds(0));

  constexpr std::size_t size = std::size_t{64} << 20U;
  const Memory less = memory_of(self.front());
  const auto block = std::make_unique<char[]>(size);  // zeroed, so every page is touched
  const Memory more = memory_of(self.front());
  EXPECT_GE(more.anonymous - less.anonymous, static_cast<std::int64_t>(size / 2));
  EXPECT_GE(more.proportional - less.proportional, static_cast<std::int64_t>(size / 2));
  EXPECT_EQ(block[size / 2], 0);
}

}  // namespace
}  // namespace gims::bench
