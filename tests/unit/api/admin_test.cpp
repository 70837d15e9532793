// The routes of administrators behind the gate and a real server.
#include "api/admin/admin.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "unit/api/admin_site.hpp"

namespace gims::api::admin {
namespace {

struct Known {
  const char* method;
  const char* path;
};
constexpr Known all_routes[] = {
    {"GET", "/status"},
    {"POST", "/check"},
    {"GET", "/check"},
    {"POST", "/migrate"},
    {"POST", "/users"},
    {"GET", "/users"},
    {"GET", "/users/desk.officer"},
    {"POST", "/users/desk.officer/lock"},
    {"POST", "/users/desk.officer/unlock"},
    {"POST", "/users/desk.officer/suspend"},
    {"PATCH", "/users/desk.officer"},
    {"PUT", "/users/desk.officer/clearance"},
    {"GET", "/labels"},
    {"GET", "/organisation"},
    {"POST", "/organisation/units"},
    {"PUT", "/organisation/units/1"},
    {"DELETE", "/organisation/units/1"},
    {"POST", "/organisation/designations"},
    {"PUT", "/organisation/designations/1"},
    {"DELETE", "/organisation/designations/1"},
    {"POST", "/imports"},
    {"GET", "/imports/abc/rows"},
    {"POST", "/imports/abc/commit"},
    {"DELETE", "/imports/abc"},
    {"GET", "/slips"},
    {"POST", "/slips"},
    {"DELETE", "/slips/1"},
    {"GET", "/devices"},
    {"POST", "/users/desk.officer/devices/PHONE/lock"},
    {"POST", "/users/desk.officer/devices/PHONE/unlock"},
    {"POST", "/users/desk.officer/devices/PHONE/wipe"},
    {"GET", "/rooms"},
    {"GET", "/rooms/!abc"},
    {"GET", "/rooms/!abc/members"},
    {"POST", "/rooms/!abc/shutdown"},
    {"GET", "/reports"},
    {"POST", "/reports/1/close"},
    {"POST", "/users/desk.officer/reset"},
    {"POST", "/users/desk.officer/deactivate"},
    {"POST", "/users/desk.officer/reset-identity"},
    {"GET", "/users/desk.officer/devices"},
    {"DELETE", "/users/desk.officer/devices/PHONE"},
    {"GET", "/audit"},
    {"POST", "/audit/verify"},
    {"POST", "/audit/acts"},
};

TEST_F(AdminApi, NoRouteIsThereAtAnotherDoor) {
  for (const auto& [method, path] : all_routes) {
    for (const http::Door door : {http::Door::client, http::Door::console}) {
      const auto reply = ask(method, path, "{}", {.address = "192.0.2.7", .door = door, .uid = 0});
      EXPECT_EQ(reply.status, 404) << path;
      EXPECT_EQ(reply.code(), "M_UNRECOGNIZED") << path;
    }
  }
}

TEST_F(AdminApi, OnlyAdministratorsOfTheMachineMayAsk) {
  add("desk.officer");
  for (const auto& [method, path] : all_routes) {
    const auto reply =
        ask(method, path, "{}", {.address = "", .door = http::Door::admin, .uid = 1});
    EXPECT_EQ(reply.status, 403) << path;
    EXPECT_EQ(reply.code(), "M_FORBIDDEN") << path;
  }
  EXPECT_EQ(newest().sequence, 1);
}

TEST_F(AdminApi, AnAccountThatIsMadeCanSignIn) {
  const auto made =
      post("/users", R"({"localpart":"desk.officer","password":"correct horse battery",
                                       "display_name":"Desk Officer","must_change_password":true})");
  ASSERT_EQ(made.status, 200);
  EXPECT_EQ(made.root().get("user_id").string_or(""), "@desk.officer:gims.internal");
  EXPECT_TRUE(sign_in("desk.officer", password));
  expect_entry(1, "user.add", R"({"after":{"name":"Desk Officer"}})");

  const auto shown = get("/users/desk.officer");
  ASSERT_EQ(shown.status, 200);
  EXPECT_EQ(shown.root().get("display_name").string_or(""), "Desk Officer");
  EXPECT_EQ(shown.root().get("state").string_or(""), "active");
  EXPECT_TRUE(shown.root().get("must_change_password").bool_or(false));
  EXPECT_EQ(shown.root().get("devices").at(0).get("device_id").string_or(""), "PHONE");
}

TEST_F(AdminApi, AnAccountThatCannotBeIsRefused) {
  add("desk.officer");
  EXPECT_EQ(
      post("/users", R"({"localpart":"desk.officer","password":"correct horse battery"})").code(),
      "M_USER_IN_USE");
  EXPECT_EQ(
      post("/users", R"({"localpart":"Desk Officer","password":"correct horse battery"})").code(),
      "M_INVALID_USERNAME");
  EXPECT_EQ(post("/users", R"({"localpart":"other","password":"short"})").code(),
            "M_WEAK_PASSWORD");
  EXPECT_EQ(post("/users", R"({"password":"correct horse battery"})").code(), "M_MISSING_PARAM");
  EXPECT_EQ(post("/users", R"({"localpart":"other","admin":true})").code(), "M_BAD_JSON");
  EXPECT_EQ(post("/users", "not json").code(), "M_NOT_JSON");
  EXPECT_EQ(newest().sequence, 1);
}

TEST_F(AdminApi, AccountsAreListedInPages) {
  for (const auto* name : {"c", "a", "b"}) add(name);
  const auto first = get("/users?limit=2");
  EXPECT_EQ(first.root().get("users").size(), 2U);
  EXPECT_EQ(first.root().get("users").at(0).get("user_id").string_or(""), "@a:gims.internal");
  EXPECT_EQ(first.root().get("next").string_or(""), "@b:gims.internal");
  const auto second = get("/users?limit=2&after=%40b%3Agims.internal");
  EXPECT_EQ(second.root().get("users").size(), 1U);
  EXPECT_FALSE(second.root().get("next").valid());
  for (const auto* limit : {"0", "501", "x", "-1", ""}) {
    EXPECT_EQ(get("/users?limit=" + std::string(limit)).code(), "M_INVALID_PARAM") << limit;
  }
}

TEST_F(AdminApi, ALockHoldsUntilItIsEnded) {
  add("desk.officer");
  EXPECT_EQ(post("/users/desk.officer/lock").status, 200);
  expect_entry(2, "user.state", R"({"after":"locked","before":"active"})");
  EXPECT_EQ(sign_in("desk.officer", password).error().code, "M_USER_LOCKED");
  EXPECT_EQ(post("/users/%40desk.officer%3Agims.internal/unlock").status, 200);
  expect_entry(3, "user.state", R"({"after":"active","before":"locked"})");
  EXPECT_TRUE(sign_in("desk.officer", password));
}

TEST_F(AdminApi, AClosedAccountStaysClosed) {
  add("desk.officer");
  EXPECT_EQ(post("/users/desk.officer/deactivate").status, 200);
  expect_entry(2, "user.state", R"({"after":"deactivated","before":"active"})");
  for (const auto* act : {"lock", "unlock", "suspend", "deactivate"}) {
    const auto reply = post("/users/desk.officer/" + std::string(act));
    EXPECT_EQ(reply.status, 409) << act;
    EXPECT_EQ(reply.code(), "M_USER_DEACTIVATED") << act;
  }
  EXPECT_EQ(post("/users/desk.officer/reset", R"({"password":"another long password"})").code(),
            "M_USER_DEACTIVATED");
  EXPECT_EQ(newest().sequence, 2);
}

TEST_F(AdminApi, AnIdentityIsResetWhereTwoApprovedExactlyThat) {
  add("desk.officer");
  add("joint.secretary");
  const auto reset = [&](std::string_view user, std::string_view body) {
    return post("/users/" + std::string(user) + "/reset-identity", body);
  };
  EXPECT_EQ(reset("desk.officer", "{}").code(), "M_MISSING_PARAM");
  for (const auto* number : {"0", "-1", "4294967296"}) {
    EXPECT_EQ(reset("desk.officer", R"({"approval":)" + std::string(number) + "}").code(),
              "M_INVALID_PARAM")
        << number;
  }
  EXPECT_EQ(reset("nobody", R"({"approval":7})").code(), "M_NOT_FOUND");
  EXPECT_EQ(reset("desk.officer", R"({"approval":8})").code(), "M_FORBIDDEN");
  EXPECT_EQ(reset("joint.secretary", R"({"approval":7})").code(), "M_FORBIDDEN");
  EXPECT_EQ(newest().sequence, 2);
  EXPECT_EQ(reset("desk.officer", R"({"approval":7})").status, 200);
  const Entry entry = newest();
  EXPECT_EQ(entry.act, "user.identity_reset");
  EXPECT_EQ(entry.actor, "gimsctl uid 501");
  EXPECT_EQ(entry.target, "@desk.officer:gims.internal");
  EXPECT_TRUE(entry.detail.starts_with(R"({"approved_by":["Asha","Bimal"],)")) << entry.detail;
}

TEST_F(AdminApi, AResetEndsEverySession) {
  add("desk.officer");
  const auto phone = sign_in("desk.officer", password);
  const auto tablet = sign_in("desk.officer", password, "TABLET");
  ASSERT_TRUE(phone && tablet);
  ASSERT_TRUE(known(*phone));
  EXPECT_EQ(post("/users/desk.officer/reset", R"({"password":"short"})").code(), "M_WEAK_PASSWORD");
  ASSERT_TRUE(known(*phone));
  EXPECT_EQ(post("/users/desk.officer/reset", R"({"password":"another long password"})").status,
            200);
  EXPECT_FALSE(known(*phone));
  EXPECT_FALSE(known(*tablet));
  EXPECT_EQ(keys.removed, (std::vector<std::string>{"PHONE", "TABLET"}));
  expect_entry(2, "user.reset", R"({"sessions":"ended"})");
  EXPECT_FALSE(sign_in("desk.officer", password));
  EXPECT_TRUE(sign_in("desk.officer", "another long password"));
}

TEST_F(AdminApi, ADeviceThatIsRevokedIsSignedOutAndItsKeysGo) {
  add("desk.officer");
  const auto phone = sign_in("desk.officer", password);
  const auto tablet = sign_in("desk.officer", password, "TABLET");
  ASSERT_TRUE(phone && tablet);
  const auto list = get("/users/desk.officer/devices");
  ASSERT_EQ(list.root().get("devices").size(), 2U);
  EXPECT_EQ(list.root().get("devices").at(0).get("display_name").string_or(""), "Desk phone");
  EXPECT_EQ(ask("DELETE", "/users/desk.officer/devices/PHONE").status, 200);
  EXPECT_FALSE(known(*phone));
  EXPECT_TRUE(known(*tablet));
  EXPECT_EQ(keys.removed, std::vector<std::string>{"PHONE"});
  expect_entry(2, "device.revoke", R"({"device_id":"PHONE"})");
  EXPECT_EQ(ask("DELETE", "/users/desk.officer/devices/PHONE").code(), "M_NOT_FOUND");
  EXPECT_EQ(newest().sequence, 2);
}

TEST_F(AdminApi, AnAccountThatIsNotThereIsNotFound) {
  for (const auto& [method, path] : all_routes) {
    const std::string_view of_one = path;
    if (!of_one.starts_with("/users/")) continue;
    const auto reply = ask(method, path, R"({"password":"another long password"})");
    EXPECT_EQ(reply.status, 404) << path;
    EXPECT_EQ(reply.code(), "M_NOT_FOUND") << path;
  }
  EXPECT_EQ(get("/users/%40a%3Aelsewhere.example").code(), "M_INVALID_USERNAME");
}

TEST_F(AdminApi, TheLogIsReadInPagesAndVerified) {
  for (const auto* name : {"a", "b", "c"}) add(name);
  const auto page = get("/audit?after=1&limit=1");
  EXPECT_EQ(page.root().get("entries").at(0).get("sequence").int_or(0), 2);
  EXPECT_EQ(page.root().get("entries").at(0).get("hash").string_or("").size(), 64U);
  EXPECT_EQ(page.root().get("next").int_or(0), 2);
  EXPECT_EQ(get("/audit?after=x").code(), "M_INVALID_PARAM");
  const auto whole = post("/audit/verify");
  EXPECT_TRUE(whole.root().get("intact").bool_or(false));
  EXPECT_FALSE(whole.root().get("witnessed").bool_or(true));
  EXPECT_EQ(whole.root().get("sequence").int_or(0), 3);

  ASSERT_TRUE(store.write([](store::Transaction& transaction) {
    return transaction.sql().script(
        "UPDATE audit_log SET target = '@x:gims.internal' WHERE sequence = 2");
  }));
  const auto changed = post("/audit/verify");
  EXPECT_FALSE(changed.root().get("intact").bool_or(true));
  EXPECT_EQ(get("/status").root().get("audit").get("standing").string_or(""), "broken");
}

TEST_F(AdminApi, RootEntersActsOfTheUnit) {
  const http::Peer root{.address = "", .door = http::Door::admin, .uid = 0};
  const std::string begun =
      R"({"act":"unit.update","at":"ttyS0","step":"begun","text":"release 3"})";
  ASSERT_EQ(ask("POST", "/audit/acts", begun, root).status, 200);
  const Entry entry = newest();
  EXPECT_EQ(entry.sequence, 1);
  EXPECT_EQ(entry.actor, "gimsctl uid 0");
  EXPECT_EQ(entry.origin, "console ttyS0");
  EXPECT_EQ(entry.act, "unit.update");
  EXPECT_EQ(entry.target, "");
  EXPECT_EQ(entry.detail, R"({"step":"begun","text":"release 3"})");

  const auto other = post("/audit/acts", begun);
  EXPECT_EQ(other.status, 403);
  EXPECT_EQ(other.code(), "M_FORBIDDEN");
  const std::string long_text(1025, 'x');
  for (const std::string& wrong : {
           std::string(R"({"act":"user.add","at":"ttyS0","step":"begun","text":""})"),
           std::string(R"({"act":"unit.","at":"ttyS0","step":"begun","text":""})"),
           std::string(R"({"act":"unit.x y","at":"ttyS0","step":"begun","text":""})"),
           std::string(R"({"act":"unit.x","at":"","step":"begun","text":""})"),
           std::string(R"({"act":"unit.x","at":"tty/1","step":"begun","text":""})"),
           std::string(R"({"act":"unit.x","at":"tty1","step":"perhaps","text":""})"),
           R"({"act":"unit.x","at":"tty1","step":"done","text":")" + long_text + "\"}",
       }) {
    EXPECT_EQ(ask("POST", "/audit/acts", wrong, root).code(), "M_INVALID_PARAM") << wrong;
  }
  EXPECT_EQ(ask("POST", "/audit/acts", R"({"act":"unit.x"})", root).code(), "M_MISSING_PARAM");
  EXPECT_EQ(newest().sequence, 1);
}

TEST_F(AdminApi, TheStatusTellsHowTheSiteIs) {
  add("a");
  add("b");
  ASSERT_EQ(post("/users/b/lock").status, 200);
  const auto reply = get("/status");
  ASSERT_EQ(reply.status, 200);
  const json::Value root = reply.root();
  EXPECT_EQ(root.get("version").string_or(""), "1.2.3");
  EXPECT_EQ(root.get("server_name").string_or(""), "gims.internal");
  EXPECT_EQ(root.get("connections").int_or(0), 7);
  EXPECT_FALSE(root.get("store").get("read_only").bool_or(true));
  EXPECT_EQ(root.get("users").get("active").int_or(-1), 1);
  EXPECT_EQ(root.get("users").get("locked").int_or(-1), 1);
  EXPECT_EQ(root.get("users").get("deactivated").int_or(-1), 0);
  EXPECT_EQ(root.get("audit").get("sequence").int_or(-1), 3);
  EXPECT_EQ(root.get("audit").get("standing").string_or(""), "unwitnessed");
  EXPECT_EQ(root.get("keyd").get("state").string_or(""), "none");
  const auto check = post("/check", R"({"full":true})");
  ASSERT_EQ(check.status, 200);
  EXPECT_TRUE(check.root().get("problems").is_array());
  EXPECT_EQ(check.root().get("problems").size(), 0U);
  const auto progress = get("/check");
  EXPECT_EQ(progress.status, 200);
  EXPECT_FALSE(progress.root().get("running").bool_or(true));
}

}  // namespace
}  // namespace gims::api::admin
