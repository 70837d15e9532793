#include "service/filters.hpp"

#include <string>

#include "support/rooms_fixture.hpp"

namespace gims::service {
namespace {

using test::code_of;
using test::RoomsFixture;

class FiltersTest : public ::testing::Test {
 protected:
  Result<std::string> store(std::string_view json, std::string_view who = "desk.officer") {
    const json::Document document = *json::Document::parse(json);
    return RoomsFixture::wait<std::string>(
        [&](auto done) { filters.store(RoomsFixture::id(who), document.root(), std::move(done)); });
  }
  // A filter of exactly so many bytes.
  static std::string of_size(std::size_t bytes) {
    const std::string head = R"({"event_fields":[")";
    const std::string tail = R"("]})";
    return head + std::string(bytes - head.size() - tail.size(), 'x') + tail;
  }
  RoomsFixture site;
  Filters filters{*site.store};
  std::string user = RoomsFixture::id("desk.officer");
};

TEST_F(FiltersTest, AreFoundByTheirNumberAndByTheirOwnerAlone) {
  const auto id = store(R"({ "room": {"timeline": {"limit": 7}} })");
  ASSERT_TRUE(id);
  EXPECT_EQ(filters.get(user, *id), R"({"room":{"timeline":{"limit":7}}})");
  EXPECT_EQ(store(R"({"room":{"timeline":{"limit":7}}})"), *id) << "the same again";
  EXPECT_NE(store("{}"), *id);
  EXPECT_EQ(code_of(filters.get(RoomsFixture::id("stranger"), *id)), "M_NOT_FOUND");
  EXPECT_EQ((*filters.resolve(user, *id))->timeline_limit(), 7U);
  EXPECT_EQ(code_of(filters.resolve(RoomsFixture::id("stranger"), *id)), "M_INVALID_PARAM");
}

TEST_F(FiltersTest, HaveOneSizeWhicheverWayTheyCome) {
  EXPECT_TRUE(store(of_size(longest_filter)));
  EXPECT_EQ(code_of(store(of_size(longest_filter + 1))), "M_TOO_LARGE");
  EXPECT_TRUE(filters.resolve(user, of_size(longest_filter)));
  EXPECT_EQ(code_of(filters.resolve(user, of_size(longest_filter + 1))), "M_TOO_LARGE");
}

// Spec: client-server API, "Filtering": rooms and senders are ids.
TEST_F(FiltersTest, NameRoomsAndUsersByTheirIds) {
  const auto both = [&](std::string_view json) {
    const auto stored = code_of(store(json));
    EXPECT_EQ(code_of(filters.resolve(user, json)), stored) << json;
    return stored;
  };
  for (const std::string_view part : {"timeline", "state", "ephemeral", "account_data"}) {
    for (const std::string_view list : {"rooms", "not_rooms", "senders", "not_senders"}) {
      const std::string_view bad = list.ends_with("rooms") ? "not_a_room_id" : "not_a_sender_id";
      const std::string json = R"({"room":{")" + std::string(part) + R"(":{")" + std::string(list) +
                               R"(":[")" + std::string(bad) + R"("]}}})";
      EXPECT_EQ(both(json), "M_BAD_JSON") << json;
    }
  }
  EXPECT_EQ(both(R"({"room":{"rooms":["x"]}})"), "M_BAD_JSON");
  EXPECT_EQ(both(R"({"room":{"not_rooms":["!good:gims.internal","x"]}})"), "M_BAD_JSON");
  EXPECT_EQ(both(R"({"presence":{"senders":["x"]}})"), "M_BAD_JSON");
  EXPECT_EQ(both(R"({"account_data":{"not_senders":["x"]}})"), "M_BAD_JSON");
  EXPECT_EQ(both(R"({"room":{"rooms":["!old:gims.internal",
                 "!AuKCz2Fh5ySnKkYenbIPzqJPe1145vwjeZB-PS1T_YU"],"timeline":{"rooms":[],
                 "senders":["@Old Name:gims.internal"],"types":["m.*"]}}})"),
            "");
}

}  // namespace
}  // namespace gims::service
