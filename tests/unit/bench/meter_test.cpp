#include "bench/load/meter.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "support/temp_folder.hpp"
#include "sys/fd.hpp"

namespace gims::bench {
namespace {

using std::chrono::microseconds;

TEST(Meter, CountsWhatIsUsedBetween) {
  const std::vector<Process> self{{.name = "self", .pid = ::getpid()}};
  Meter meter(self, "");
  meter.begin();
  const ProcessorTimes before = processor_times(self);
  // Ends once the kernel has counted a tick of work.
  while (total(processor_times(self)) == total(before)) {
  }
  EXPECT_GT(total(meter.end()), microseconds(0));
}

TEST(Meter, TellsPerfToRecordWhatIsMeasuredAlone) {
  const test::TempFolder folder;
  const std::string commands = folder.file("commands");
  const std::string answers = folder.file("answers");
  for (const std::string& name : {commands, answers}) ASSERT_EQ(::mkfifo(name.c_str(), 0600), 0);
  // As perf opens them: both ways, so that none waits for the other.
  const sys::Fd heard(::open(commands.c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK));
  const sys::Fd told(::open(answers.c_str(), O_RDWR | O_CLOEXEC));
  const auto next = [&heard] {
    char room[64];
    const ssize_t got = ::read(heard.get(), room, sizeof room);
    return std::string(room, got > 0 ? static_cast<std::size_t>(got) : 0);
  };
  const auto acknowledge = [&told] {  // with its NUL, as perf does
    ASSERT_EQ(::write(told.get(), "ack\n", 5), 5);
  };
  Meter meter({}, commands + "," + answers);
  EXPECT_EQ(next(), "");
  for (int part = 0; part < 2; ++part) {
    acknowledge();
    meter.begin();
    EXPECT_EQ(next(), "enable\n");
    acknowledge();
    static_cast<void>(meter.end());
    EXPECT_EQ(next(), "disable\n");
  }
}

}  // namespace
}  // namespace gims::bench
