#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "service/tokens.hpp"
#include "support/rooms_fixture.hpp"

namespace gims::service::rooms {
namespace {

using test::code_of;
using test::parsed;
using test::RoomsFixture;
using Ids = std::vector<std::string>;

class Relations : public ::testing::Test {
 protected:
  std::string relate(std::string_view who, std::string_view target, std::string_view rel_type,
                     std::string_view type = "m.room.message", std::string_view more = "") {
    auto sent =
        site.send(who, room,
                  R"({"m.relates_to":{"rel_type":")" + std::string(rel_type) + R"(","event_id":")" +
                      std::string(target) + R"("})" + std::string(more) + "}",
                  type);
    EXPECT_TRUE(sent);
    return sent ? *sent : std::string();
  }
  json::Document relations(RelationsQuery query) {
    return parsed(site.reads.relations(viewer, room, query));
  }
  static Ids ids(json::Value chunk) {
    Ids found;
    for (const json::Value event : chunk.array()) {
      found.emplace_back(event.get("event_id").string_or(""));
    }
    return found;
  }
  json::Document event(std::string_view id) { return parsed(site.reads.event(viewer, room, id)); }

  RoomsFixture site;
  std::string room = site.room_of("joint.secretary", {"desk.officer"});
  Actor viewer = RoomsFixture::actor("joint.secretary");
  std::string root = *site.say("joint.secretary", room, "root");
};

TEST_F(Relations, AreListedNewestFirstAndByKind) {
  const std::string reply = relate("desk.officer", root, "m.thread");
  const std::string reaction = relate("desk.officer", root, "m.annotation", "m.reaction");
  const std::string reference = relate("joint.secretary", root, "m.reference");
  EXPECT_EQ(ids(relations({.event_id = root}).root().get("chunk")),
            (Ids{reference, reaction, reply}));
  EXPECT_EQ(ids(relations({.event_id = root, .direction = Direction::forward}).root().get("chunk")),
            (Ids{reply, reaction, reference}));
  EXPECT_EQ(ids(relations({.event_id = root, .rel_type = "m.thread"}).root().get("chunk")),
            Ids{reply});
  EXPECT_EQ(
      ids(relations({.event_id = root, .rel_type = "m.annotation", .event_type = "m.room.message"})
              .root()
              .get("chunk")),
      Ids{});
  EXPECT_EQ(code_of(site.reads.relations(viewer, room, {.event_id = "$unknown"})), "M_NOT_FOUND");
}

TEST_F(Relations, ArePaged) {
  Ids sent;
  for (int i = 0; i < 7; ++i) sent.insert(sent.begin(), relate("desk.officer", root, "m.thread"));
  Ids seen;
  RelationsQuery query{.event_id = root, .limit = 3};
  int pages = 0;
  while (true) {
    const auto answer = relations(query);
    ++pages;
    for (std::string& id : ids(answer.root().get("chunk"))) seen.push_back(std::move(id));
    EXPECT_EQ(answer.root().get("prev_batch").valid(), pages > 1);
    const auto next = answer.root().get("next_batch").as_string();
    if (!next) break;
    query.from = *parse_place(*next);
  }
  EXPECT_EQ(pages, 3);
  EXPECT_EQ(seen, sent);
}

TEST_F(Relations, AreFollowedFurtherWhereThatIsAskedFor) {
  const std::string reply = relate("desk.officer", root, "m.thread");
  const std::string edit = relate("desk.officer", reply, "m.replace");
  const auto direct = relations({.event_id = root});
  EXPECT_EQ(ids(direct.root().get("chunk")), Ids{reply});
  EXPECT_FALSE(direct.root().get("recursion_depth"));
  const auto all = relations({.event_id = root, .recurse = true});
  EXPECT_EQ(ids(all.root().get("chunk")), (Ids{edit, reply}));
  EXPECT_GE(all.root().get("recursion_depth").int_or(0), 2);
}

TEST_F(Relations, ThreadsAreBundledWithTheirRoot) {
  relate("desk.officer", root, "m.thread");
  const std::string last = relate("desk.officer", root, "m.thread");
  const auto shown = event(root);
  const json::Value thread = shown.root().get("unsigned").get("m.relations").get("m.thread");
  EXPECT_EQ(thread.get("count").as_int(), 2);
  EXPECT_EQ(thread.get("latest_event").get("event_id").as_string(), last);
  EXPECT_EQ(thread.get("current_user_participated").as_bool(), true);
  // A reply that was removed counts no more.
  ASSERT_TRUE(site.redact("desk.officer", room, last));
  const auto after = event(root);
  EXPECT_EQ(after.root().get("unsigned").get("m.relations").get("m.thread").get("count").as_int(),
            1);
}

TEST_F(Relations, TheLatestEditOfTheSenderIsBundled) {
  const std::string first = relate("joint.secretary", root, "m.replace");
  const std::string second = relate("joint.secretary", root, "m.replace");
  relate("desk.officer", root, "m.replace");  // not theirs to edit
  const auto replaced = [&] {
    return std::string(event(root)
                           .root()
                           .get("unsigned")
                           .get("m.relations")
                           .get("m.replace")
                           .get("event_id")
                           .string_or(""));
  };
  EXPECT_EQ(replaced(), second);
  ASSERT_TRUE(site.redact("joint.secretary", room, second));
  EXPECT_EQ(replaced(), first);
}

TEST_F(Relations, ReferencesAreBundledAsIds) {
  const std::string reference = relate("desk.officer", root, "m.reference");
  const auto shown = event(root);
  const json::Value chunk =
      shown.root().get("unsigned").get("m.relations").get("m.reference").get("chunk");
  ASSERT_EQ(chunk.size(), 1U);
  EXPECT_EQ(chunk.at(0).get("event_id").as_string(), reference);
}

TEST_F(Relations, ThreadsOfARoomComeByTheirLatestReply) {
  const std::string second = *site.say("desk.officer", room, "second");
  relate("desk.officer", root, "m.thread");
  relate("desk.officer", second, "m.thread");
  relate("desk.officer", root, "m.thread");
  const auto threads = [&](ThreadsQuery query) {
    return parsed(site.reads.threads(viewer, room, query));
  };
  EXPECT_EQ(ids(threads({}).root().get("chunk")), (Ids{root, second}));
  EXPECT_EQ(ids(threads({.only_participated = true}).root().get("chunk")), Ids{root});
  const auto page = threads({.limit = 1});
  EXPECT_EQ(ids(page.root().get("chunk")), Ids{root});
  const auto next = page.root().get("next_batch").as_string();
  ASSERT_TRUE(next);
  const auto rest = threads({.from = *parse_place(*next), .limit = 1});
  EXPECT_EQ(ids(rest.root().get("chunk")), Ids{second});
  EXPECT_FALSE(rest.root().get("next_batch"));
}

}  // namespace
}  // namespace gims::service::rooms
