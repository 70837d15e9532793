// One thing is wrong in each test, and the ledger must say so; where nothing is, it must be silent.
#include "bench/replay/ledger.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace gims::bench {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

constexpr Ledger::Room room = 1;
constexpr Ledger::Sender sender = 7;
constexpr std::size_t count = 6;

Fingerprint event(std::size_t number) {
  return fingerprint("$event" + std::to_string(number), "m" + std::to_string(number));
}

std::vector<Fingerprint> events(std::size_t from = 0) {
  std::vector<Fingerprint> all;
  for (std::size_t i = from; i < count; ++i) all.push_back(event(i));
  return all;
}

class LedgerTest : public ::testing::Test {
 protected:
  LedgerTest() {
    for (std::size_t i = 0; i < count; ++i) ledger_.acknowledged(room, sender, event(i));
  }
  void reads(Ledger::Reader reader, const std::vector<Fingerprint>& seen) {
    for (const Fingerprint one : seen) ledger_.seen(reader, room, one);
  }
  // The first reader sees all; then this one sees that.
  void second_sees(const std::vector<Fingerprint>& seen) {
    reads(first_, events());
    reads(second_, seen);
    end();
  }
  void end() {
    ledger_.history(room, events());
    ledger_.finish();
  }
  void expect_fault(const std::string& words) {
    EXPECT_GE(ledger_.faults(), 1U);
    EXPECT_THAT(ledger_.told(), Contains(HasSubstr(words)));
  }

  Ledger ledger_{3};
  Ledger::Reader first_ = ledger_.add_reader({0, room, 2});
  Ledger::Reader second_ = ledger_.add_reader({room});
};

TEST_F(LedgerTest, IsSilentWhereAllSawAllOnceInOrder) {
  second_sees(events());
  EXPECT_EQ(ledger_.faults(), 0U);
  EXPECT_EQ(ledger_.events(), count);
  EXPECT_EQ(ledger_.deliveries(), 2 * count);
}

TEST_F(LedgerTest, ReadersMayTakeTurns) {
  for (const Fingerprint one : events()) {
    ledger_.seen(second_, room, one);
    ledger_.seen(first_, room, one);
  }
  end();
  EXPECT_EQ(ledger_.faults(), 0U);
}

TEST_F(LedgerTest, FindsALostEventWhereverItIs) {
  for (std::size_t lost = 0; lost < count; ++lost) {
    Ledger ledger(3);
    const auto one = ledger.add_reader({room});
    const auto other = ledger.add_reader({room});
    for (std::size_t i = 0; i < count; ++i) ledger.acknowledged(room, sender, event(i));
    for (std::size_t i = 0; i < count; ++i) ledger.seen(one, room, event(i));
    for (std::size_t i = 0; i < count; ++i) {
      if (i != lost) ledger.seen(other, room, event(i));
    }
    ledger.history(room, events());
    ledger.finish();
    EXPECT_EQ(ledger.faults(), 1U) << lost;
  }
}

TEST_F(LedgerTest, FindsADoubledEventWhereverItIs) {
  for (std::size_t doubled = 0; doubled < count; ++doubled) {
    Ledger ledger(3);
    const auto one = ledger.add_reader({room});
    const auto other = ledger.add_reader({room});
    for (std::size_t i = 0; i < count; ++i) ledger.acknowledged(room, sender, event(i));
    for (std::size_t i = 0; i < count; ++i) ledger.seen(one, room, event(i));
    for (std::size_t i = 0; i < count; ++i) {
      ledger.seen(other, room, event(i));
      if (i == doubled) ledger.seen(other, room, event(i));
    }
    ledger.history(room, events());
    ledger.finish();
    EXPECT_GE(ledger.faults(), 1U) << doubled;
  }
}

TEST_F(LedgerTest, FindsTwoThatAreSwapped) {
  auto seen = events();
  std::swap(seen[2], seen[3]);
  second_sees(seen);
  expect_fault("missed 1 events from the 2th on");
  expect_fault("again or too late");
}

TEST_F(LedgerTest, FindsAStrangeEvent) {
  auto seen = events();
  seen.insert(seen.begin() + 2, event(99));
  second_sees(seen);
  expect_fault("not there for others");
}

TEST_F(LedgerTest, FindsAnEventWithAnothersContent) {
  auto seen = events();
  seen[1] = fingerprint("$event1", "m2");
  second_sees(seen);
  expect_fault("not there for others");
}

TEST_F(LedgerTest, FindsAnEventOfARoomThatTheReaderIsNotIn) {
  second_sees(events());
  ledger_.seen(second_, 2, event(50));
  expect_fault("that it is not in");
}

// The first reader makes the order, so what is wrong with it shows against the acknowledgements and
// the history.
TEST_F(LedgerTest, FindsWhatIsWrongForAllReaders) {
  auto seen = events();
  seen.erase(seen.begin() + 1);
  reads(first_, seen);
  reads(second_, seen);
  end();
  expect_fault("an acknowledged event was not seen by all");
  expect_fault("its history has 6 events, the devices saw 5; the 1th is the first to differ");
}

TEST_F(LedgerTest, FindsAnEventThatIsTwiceForAllReaders) {
  auto seen = events();
  seen.insert(seen.begin() + 1, event(1));
  reads(first_, seen);
  reads(second_, seen);
  end();
  expect_fault("an event is there twice");
  expect_fault("6 sends were acknowledged, 7 events were seen");
}

TEST_F(LedgerTest, FindsASendersOrderThatAllSeeWrong) {
  auto seen = events();
  std::swap(seen[0], seen[1]);
  reads(first_, seen);
  reads(second_, seen);
  ledger_.history(room, seen);
  ledger_.finish();
  ASSERT_EQ(ledger_.faults(), 1U);
  expect_fault("a sender's events are not in their order");
}

TEST_F(LedgerTest, TwoSendersEventsMayComeInAnyOrder) {
  Ledger ledger(2);
  const auto reader = ledger.add_reader({room});
  ledger.acknowledged(room, 1, event(0));
  ledger.acknowledged(room, 2, event(1));
  ledger.seen(reader, room, event(1));
  ledger.seen(reader, room, event(0));
  ledger.finish();
  EXPECT_EQ(ledger.faults(), 0U);
}

TEST_F(LedgerTest, FindsAHistoryThatIsShort) {
  reads(first_, events());
  reads(second_, events());
  auto history = events();
  history.pop_back();
  ledger_.history(room, history);
  expect_fault("its history has 5 events");
}

TEST_F(LedgerTest, ALateReaderMustSeeAllFromItsFirstOn) {
  const auto late = ledger_.add_late_reader({room});
  reads(first_, events());
  reads(late, events(3));
  end();
  EXPECT_EQ(ledger_.faults(), 1U);  // of the second, which saw nothing
}

TEST_F(LedgerTest, ALateReaderMayBeAheadOfAllOthers) {
  const auto late = ledger_.add_late_reader({room});
  reads(late, events(3));
  EXPECT_TRUE(ledger_.is_at_end(late));
  reads(second_, events());
  second_sees({});
  EXPECT_EQ(ledger_.faults(), 0U);
}

TEST_F(LedgerTest, FindsWhatALateReaderMissed) {
  const auto late = ledger_.add_late_reader({room});
  auto seen = events(2);
  seen.erase(seen.begin() + 1);
  reads(late, seen);
  reads(second_, events());
  second_sees({});
  expect_fault("missed 1 events from the 3th on");
}

TEST_F(LedgerTest, FindsALateReaderThatBeganWithAStrangeEvent) {
  const auto late = ledger_.add_late_reader({room});
  reads(late, {event(99)});
  second_sees(events());
  expect_fault("began with an event that no one else saw");
}

TEST_F(LedgerTest, OfARetiredReaderNothingIsAsked) {
  ledger_.retire(second_);
  ledger_.sent_to_device(second_, event(1));
  second_sees({});
  EXPECT_EQ(ledger_.faults(), 0U);
}

TEST_F(LedgerTest, SaysWhoIsAtTheEnd) {
  EXPECT_TRUE(ledger_.is_at_end(first_));
  reads(first_, events());
  EXPECT_TRUE(ledger_.is_at_end(first_));
  EXPECT_FALSE(ledger_.is_at_end(second_));
}

TEST_F(LedgerTest, SaysWhomAPushWouldHaveTold) {
  EXPECT_TRUE(ledger_.has_news(second_));
  reads(second_, events());
  EXPECT_FALSE(ledger_.has_news(second_));
  EXPECT_TRUE(ledger_.has_news(ledger_.add_late_reader({room})));
  EXPECT_FALSE(ledger_.has_news(ledger_.add_late_reader({0})));
}

TEST_F(LedgerTest, MessagesToOneDeviceComeOnceInAnyOrder) {
  ledger_.sent_to_device(first_, event(1));
  ledger_.sent_to_device(first_, event(2));
  ledger_.seen_to_device(first_, event(2));
  ledger_.seen_to_device(first_, event(1));
  second_sees(events());
  EXPECT_EQ(ledger_.faults(), 0U);
}

TEST_F(LedgerTest, FindsMessagesToOneDeviceThatAreLostDoubledOrOthers) {
  ledger_.sent_to_device(first_, event(1));
  ledger_.sent_to_device(second_, event(2));
  ledger_.seen_to_device(second_, event(2));
  ledger_.seen_to_device(second_, event(2));
  const auto third = ledger_.add_reader({});
  ledger_.sent_to_device(third, event(3));
  ledger_.seen_to_device(third, event(4));
  second_sees(events());
  EXPECT_EQ(ledger_.faults(), 3U);
}

TEST(Fingerprints, DependOnIdAndLabel) {
  EXPECT_NE(fingerprint("$a", "m1"), fingerprint("$b", "m1"));
  EXPECT_NE(fingerprint("$a", "m1"), fingerprint("$a", "m2"));
  EXPECT_NE(fingerprint("$am", "1"), fingerprint("$a", "m1"));
}

}  // namespace
}  // namespace gims::bench
