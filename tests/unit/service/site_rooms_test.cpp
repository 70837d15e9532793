#include "service/rooms/site_rooms.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "service/reports.hpp"
#include "support/rooms_fixture.hpp"

namespace gims::service::rooms {
namespace {

using test::code_of;

class SiteRoomsTest : public ::testing::Test, protected test::RoomsFixture {
 protected:
  Result<> shut(const std::string& room, std::string reason = "over") {
    return wait<void>([&](auto done) {
      rooms.shut_down(room, std::move(reason), {.name = "uid 0", .origin = "gimsctl"},
                      std::move(done));
    });
  }
  SiteRooms site{*store};
};

TEST_F(SiteRoomsTest, AreListedInPagesAndFound) {
  std::vector<std::string> made;
  for (const char* name : {"Flood control", "Budget", "Flood relief"}) {
    made.push_back(room_of("desk.officer", {"joint.secretary"}, {.name = name}));
  }
  std::ranges::sort(made);
  std::vector<std::string> walked;
  SiteRooms::Query query{.count = 2};
  for (;;) {
    const auto page = site.page(query);
    ASSERT_TRUE(page);
    for (const SiteRoom& room : page->rooms) walked.push_back(room.summary.room_id);
    if (page->next.empty()) break;
    query.after = page->next;
  }
  EXPECT_EQ(walked, made);
  EXPECT_EQ(site.page({.after = {}, .text = "FLOOD"})->rooms.size(), 2U);
  EXPECT_EQ(site.page({.after = {}, .text = made[0].substr(1, 12)})->rooms.size(), 1U);
  EXPECT_TRUE(site.page({.after = {}, .text = {}, .classification = 3})->rooms.empty());
  const auto room = site.find(made[0]);
  ASSERT_TRUE(room);
  EXPECT_EQ(room->creator, id("desk.officer"));
  EXPECT_EQ(room->summary.members, 2);
  EXPECT_TRUE(room->last_event_ts);
  const auto members = site.members(made[0], "", 1);
  ASSERT_TRUE(members);
  EXPECT_EQ(members->members.at(0).user_id, id("desk.officer"));
  EXPECT_EQ(members->next, id("desk.officer"));
  EXPECT_EQ(site.members(made[0], members->next, 10)->members.size(), 1U);
  EXPECT_EQ(code_of(site.members("!none", "", 1)), "M_NOT_FOUND");
}

TEST_F(SiteRoomsTest, ARoomThatIsShutIsEmptyAndStaysSo) {
  const std::string room =
      room_of("desk.officer", {"joint.secretary"}, {.listed = true, .name = "Flood control"});
  ASSERT_TRUE(act("desk.officer", Act::invite, room, "under.secretary"));
  ASSERT_TRUE(wait<void>([&](auto done) {
    rooms.add_alias(actor("desk.officer"), "#flood:gims.internal", room, std::move(done));
  }));
  listener.clear();
  ASSERT_TRUE(shut(room, "the flood is over"));
  std::vector<std::string> left;
  for (const auto& change : listener.all<store::MembershipChanged>()) {
    EXPECT_EQ(change.membership, "leave");
    left.push_back(change.user_id);
  }
  std::ranges::sort(left);
  EXPECT_EQ(left, (std::vector<std::string>{id("desk.officer"), id("joint.secretary"),
                                            id("under.secretary")}));
  const auto events = listener.all<store::EventAdded>();
  ASSERT_FALSE(events.empty());
  EXPECT_EQ(events[0].event->content().get("reason").string_or(""), "the flood is over");
  EXPECT_EQ(code_of(act("desk.officer", Act::join, room)), "M_FORBIDDEN");
  EXPECT_EQ(code_of(act("stranger", Act::join, room)), "M_FORBIDDEN");
  EXPECT_EQ(code_of(act("stranger", Act::knock, room)), "M_FORBIDDEN");
  EXPECT_EQ(code_of(put("desk.officer", room, "m.room.member", R"({"membership":"join"})",
                        id("desk.officer"))),
            "M_FORBIDDEN");
  EXPECT_EQ(code_of(say("desk.officer", room, "anybody?")), "M_FORBIDDEN");
  EXPECT_EQ(code_of(rooms.resolve("#flood:gims.internal")), "M_NOT_FOUND");
  EXPECT_FALSE(directory.public_rooms({})->contains(room));
  EXPECT_TRUE(site.find(room)->shut_ts);
  EXPECT_EQ(code_of(shut(room)), "GIMS_STATE");
  EXPECT_EQ(code_of(shut("!none")), "M_NOT_FOUND");
}

TEST_F(SiteRoomsTest, AStopOfTheServerLeavesNobodyIn) {
  const std::string room = room_of("desk.officer", {"joint.secretary"});
  // As a stop between the first operation and the others leaves it.
  ASSERT_TRUE(store.write([&](store::Transaction& transaction) -> Result<> {
    return transaction.sql().script("UPDATE rooms SET shut_ts = 1, shut_reason = 'over'");
  }));
  while (true) {
    const auto more = store.write(
        [&](store::Transaction& transaction) { return rooms.empty_shut_rooms(transaction); });
    ASSERT_TRUE(more);
    if (!*more) break;
  }
  EXPECT_EQ(site.find(room)->summary.members, 0);
}

TEST_F(SiteRoomsTest, AHundredMembersLeave) {
  std::vector<std::string> names;
  for (int i = 0; i < 120; ++i) names.push_back("officer" + std::to_string(i));
  for (const std::string& name : names) add_user(name);
  const std::string room = room_of("desk.officer", {}, {.preset = "public_chat"});
  for (const std::string& name : names) ASSERT_TRUE(act(name, Act::join, room));
  ASSERT_TRUE(shut(room));
  EXPECT_EQ(site.find(room)->summary.members, 0);
}

TEST_F(SiteRoomsTest, ReportsAreListedAndClosed) {
  Reports reports(*store);
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(wait<void>([&](auto done) {
      rooms.report(actor("desk.officer"), {.user_id = id("stranger"), .reason = "rude"},
                   std::move(done));
    }));
  }
  const auto close = [&](std::int64_t report, std::string note) {
    return wait<void>([&](auto done) {
      reports.close(report, std::move(note), {.name = "uid 0", .origin = "gimsctl"},
                    std::move(done));
    });
  };
  ASSERT_TRUE(close(2, "spoken to"));
  EXPECT_EQ(code_of(close(2, "again")), "GIMS_STATE");
  EXPECT_EQ(code_of(close(9, "none")), "M_NOT_FOUND");
  EXPECT_EQ(code_of(close(1, " ")), "M_INVALID_PARAM");
  const auto ids = [&](Which which) {
    std::vector<std::int64_t> all;
    const auto page = reports.page(which, std::nullopt, 10);
    for (const Report& report : page->reports) all.push_back(report.report_id);
    return all;
  };
  EXPECT_EQ(ids(Which::all), (std::vector<std::int64_t>{3, 2, 1}));
  EXPECT_EQ(ids(Which::open), (std::vector<std::int64_t>{3, 1}));
  EXPECT_EQ(ids(Which::closed), std::vector<std::int64_t>{2});
  const auto first = reports.page(Which::all, std::nullopt, 2);
  ASSERT_TRUE(first && first->next);
  EXPECT_EQ(reports.page(Which::all, first->next, 2)->reports.at(0).report_id, 1);
}

}  // namespace
}  // namespace gims::service::rooms
