#include "service/accounts/account_data.hpp"

#include "support/accounts_fixture.hpp"

namespace gims::service {
namespace {

using test::code_of;

constexpr const char* room = "!room:gims.internal";

class AccountDataTest : public test::AccountsFixture {
 protected:
  Result<> put(std::string_view type, std::string content, std::string_view room_id = "") {
    return wait<void>([&](auto done) {
      account_data.put(id("desk.officer"), std::string(room_id), std::string(type),
                       std::move(content), std::move(done));
    });
  }
  Result<std::string> get(std::string_view type, std::string_view room_id = "") {
    return account_data.get(id("desk.officer"), room_id, type);
  }
};

TEST_F(AccountDataTest, GlobalAndRoomDataAreApartAndOnesOwn) {
  ASSERT_TRUE(put("m.direct", R"({"a":1})"));
  ASSERT_TRUE(put("m.direct", R"({"a":2})", room));
  EXPECT_EQ(*get("m.direct"), R"({"a":1})");
  EXPECT_EQ(*get("m.direct", room), R"({"a":2})");
  EXPECT_EQ(code_of(account_data.get(id("joint.secretary"), "", "m.direct")), "M_NOT_FOUND");
  EXPECT_EQ(code_of(get("m.other")), "M_NOT_FOUND");
  const auto changes = listener.all<store::AccountDataChanged>();
  ASSERT_EQ(changes.size(), 2U);
  EXPECT_EQ(changes[1].user_id, id("desk.officer"));
  EXPECT_EQ(changes[1].room_id, room);
  EXPECT_EQ(changes[1].type, "m.direct");
  EXPECT_LT(changes[0].position, changes[1].position);
}

TEST_F(AccountDataTest, ATypeHasAName) {
  EXPECT_EQ(code_of(put("", "{}")), "M_INVALID_PARAM");
  EXPECT_TRUE(put(std::string(255, 't'), "{}"));
  EXPECT_EQ(code_of(put(std::string(256, 't'), "{}")), "M_INVALID_PARAM");
}

TEST_F(AccountDataTest, AnAccountKeepsABoundedNumberOfBytes) {
  const std::string part = R"({"x":")" + std::string((1U << 20U) - 8, 'x') + R"("})";
  ASSERT_EQ(part.size(), 1U << 20U);
  for (int i = 0; i < 32; ++i) ASSERT_TRUE(put("part" + std::to_string(i), part));
  EXPECT_EQ(code_of(put("small", "{}")), "M_TOO_LARGE");
  EXPECT_TRUE(put("part7", part)) << "what takes the place of the old one is no more";
  EXPECT_TRUE(put("part7", "{}")) << "and less is always allowed";
  EXPECT_TRUE(put("small", "{}"));
}

TEST_F(AccountDataTest, AnAccountKeepsABoundedNumberOfEntries) {
  script(
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) "
      "INSERT INTO account_data (user_id, room_id, type, content, stream_id) "
      "SELECT '" +
      id("desk.officer") + "', '', 't' || i, x'7b7d', i FROM n");
  EXPECT_EQ(code_of(put("one.more", "{}")), "M_TOO_LARGE");
  EXPECT_TRUE(put("t7", R"({"a":1})"));
  EXPECT_EQ(*get("t7"), R"({"a":1})");
}

// Tags: two clients that change them at the same time lose nothing of each other.
TEST_F(AccountDataTest, ChangesSeeEachOther) {
  std::vector<std::string> seen;
  std::vector<std::future<Result<>>> changes;
  std::vector<std::promise<Result<>>> promises(20);
  for (std::size_t i = 0; i < promises.size(); ++i) {
    changes.push_back(promises[i].get_future());
    account_data.change(
        id("desk.officer"), room, "m.tag",
        [&seen](std::string_view old) -> Result<std::string> {
          seen.emplace_back(old);
          const auto count = json::Document::parse(old)->root().get("count").int_or(0);
          return R"({"count":)" + std::to_string(count + 1) + "}";
        },
        [&promises, i](Result<> outcome) { promises[i].set_value(std::move(outcome)); });
  }
  for (auto& change : changes) EXPECT_TRUE(change.get());
  EXPECT_EQ(seen.front(), "{}");
  EXPECT_EQ(*get("m.tag", room), R"({"count":20})");
}

TEST_F(AccountDataTest, AChangeThatFailsChangesNothing) {
  ASSERT_TRUE(put("m.tag", R"({"a":1})", room));
  EXPECT_EQ(code_of(wait<void>([&](auto done) {
              account_data.change(
                  id("desk.officer"), room, "m.tag",
                  [](std::string_view) -> Result<std::string> {
                    return fail(ErrorKind::not_found, "M_NOT_FOUND", "no such tag");
                  },
                  std::move(done));
            })),
            "M_NOT_FOUND");
  EXPECT_EQ(*get("m.tag", room), R"({"a":1})");
}

}  // namespace
}  // namespace gims::service
