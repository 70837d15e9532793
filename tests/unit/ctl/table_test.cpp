#include "ctl/table.hpp"

#include <gtest/gtest.h>

namespace gims::ctl {
namespace {

TEST(Table, AlignsByCharactersNotBytes) {
  Table table({"A", "B"});
  table.add({"\u0928\u092e", "1"});
  table.add({"long", "2"});
  EXPECT_EQ(table.text(), "A     B\n\u0928\u092e    1\nlong  2\n");
}

TEST(Table, NothingSteersTheTerminal) {
  EXPECT_EQ(printable("a\x1b[2Jb\n\x7f"), "a?[2Jb??");
  EXPECT_EQ(printable("\u009b31m"), "?31m");
  EXPECT_EQ(printable("\u00e9\u0928"), "\u00e9\u0928");
}

TEST(Table, TimesAreUtc) {
  EXPECT_EQ(time_text(0), "1970-01-01 00:00:00 UTC");
  EXPECT_EQ(time_text(1'700'000'000'000), "2023-11-14 22:13:20 UTC");
}

TEST(Table, DurationsHaveTwoParts) {
  EXPECT_EQ(duration_text(59), "59 s");
  EXPECT_EQ(duration_text(61), "1 min 1 s");
  EXPECT_EQ(duration_text(7260), "2 h 1 min");
  EXPECT_EQ(duration_text(90000), "1 d 1 h");
}

}  // namespace
}  // namespace gims::ctl
