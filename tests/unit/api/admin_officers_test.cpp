// Officers, devices, rooms and reports, as administrators ask for them.
#include <gtest/gtest.h>

#include <future>
#include <string>
#include <vector>

#include "unit/api/admin_site.hpp"

namespace gims::api::admin {
namespace {

TEST_F(AdminApi, AnOfficerComesInByASlipOnce) {
  ASSERT_EQ(post("/users", R"({"localpart":"desk.officer","display_name":"Asha Rao"})").status,
            200);
  EXPECT_EQ(get("/users").root().get("users").at(0).get("slip").string_or(""), "none");
  const auto made = post("/slips", R"({"user_ids":["@desk.officer:gims.internal"],"hours":24})");
  ASSERT_EQ(made.status, 200) << made.code();
  const json::Value slip = made.root().get("slips").at(0);
  const std::string code(slip.get("code").string_or(""));
  EXPECT_EQ(code.size(), 19U);
  EXPECT_EQ(get("/users").root().get("users").at(0).get("slip").string_or(""), "outstanding");
  EXPECT_FALSE(get("/slips").root().get("slips").at(0).get("code").valid()) << "shown once";
  EXPECT_FALSE(sign_in("desk.officer", password));
  EXPECT_TRUE(sign_in("desk.officer", code));
  EXPECT_EQ(sign_in("desk.officer", code, "TABLET").error().code, "M_FORBIDDEN");
  EXPECT_EQ(get("/users").root().get("users").at(0).get("slip").string_or(""), "used");
  const std::string id(slip.get("slip_id").string_or(""));
  EXPECT_EQ(ask("DELETE", "/slips/" + id).code(), "GIMS_STATE");
  EXPECT_EQ(ask("DELETE", "/slips/99").code(), "M_NOT_FOUND");
  EXPECT_EQ(ask("DELETE", "/slips/x").code(), "M_INVALID_PARAM");
  for (const auto* wrong :
       {R"({"user_ids":[],"hours":1})", R"({"user_ids":["desk.officer"],"hours":0})",
        R"({"user_ids":["desk.officer"],"hours":721})",
        R"({"user_ids":["desk.officer"],"hours":9000000000000000})"}) {
    EXPECT_EQ(post("/slips", wrong).code(), "M_INVALID_PARAM") << wrong;
  }
  EXPECT_EQ(post("/slips", R"({"user_ids":["nobody"],"hours":1})").code(), "M_NOT_FOUND");
}

TEST_F(AdminApi, AnOfficerHasAPlaceInTheOrganisation) {
  const auto ministry =
      post("/organisation/units", R"({"kind":"ministry","name":"Home Affairs","name_hi":"गृह"})");
  ASSERT_EQ(ministry.status, 200) << ministry.code();
  const std::string unit(ministry.root().get("unit_id").string_or(""));
  const auto title = post("/organisation/designations", R"({"name":"Under Secretary","rank":30})");
  ASSERT_EQ(title.status, 200);
  const std::string designation(title.root().get("designation_id").string_or(""));
  ASSERT_EQ(post("/users", R"({"localpart":"desk.officer","display_name":"Asha Rao","unit_id":")" +
                               unit + R"(","designation_id":")" + designation + R"("})")
                .status,
            200);
  const auto listed = get("/users?unit=" + unit + "&q=under");
  ASSERT_EQ(listed.root().get("users").size(), 1U);
  EXPECT_EQ(listed.root().get("users").at(0).get("display_name").string_or(""), "Asha Rao");
  EXPECT_EQ(listed.root().get("users").at(0).get("unit_id").string_or(""), unit);
  EXPECT_EQ(listed.root().get("users").at(0).get("clearance").string_or(""), "unclassified");
  EXPECT_EQ(ask("DELETE", "/organisation/units/" + unit).code(), "GIMS_IN_USE");

  const auto changed = ask("PATCH", "/users/desk.officer", R"({"unit_id":"","phone":"1234"})");
  ASSERT_EQ(changed.status, 200) << changed.code();
  EXPECT_FALSE(changed.root().get("unit_id").valid());
  EXPECT_EQ(changed.root().get("phone").string_or(""), "1234");
  EXPECT_EQ(changed.root().get("designation_id").string_or(""), designation);
  EXPECT_EQ(newest().detail, R"({"after":{"designation_id":1,"name":"Asha Rao","phone":"1234"},)"
                             R"("before":{"designation_id":1,"name":"Asha Rao","unit_id":1}})");
  EXPECT_EQ(ask("PATCH", "/users/desk.officer", R"({"clearance":"secret"})").code(), "M_BAD_JSON");
  EXPECT_EQ(ask("DELETE", "/organisation/units/" + unit).status, 200);
  const auto whole = get("/organisation");
  EXPECT_EQ(whole.root().get("units").size(), 0U);
  EXPECT_EQ(whole.root().get("designations").at(0).get("officers").int_or(0), 1);
}

TEST_F(AdminApi, AClearanceIsALabelOfTheSite) {
  add("desk.officer");
  EXPECT_EQ(get("/labels").root().get("labels").size(), 5U);
  ASSERT_EQ(ask("PUT", "/users/desk.officer/clearance", R"({"clearance":"secret","reason":"post"})")
                .status,
            200);
  expect_entry(2, "user.clearance",
               R"({"after":"secret","before":"unclassified","reason":"post"})");
  EXPECT_EQ(get("/users?clearance=secret").root().get("users").size(), 1U);
  EXPECT_EQ(get("/users?clearance=restricted").root().get("users").size(), 0U);
  EXPECT_EQ(get("/users?clearance=cosmic").code(), "M_INVALID_PARAM");
  EXPECT_EQ(ask("PUT", "/users/desk.officer/clearance", R"({"clearance":"cosmic"})").code(),
            "M_INVALID_PARAM");
}

TEST_F(AdminApi, AFileOfOfficersIsLookedAtAndThenMade) {
  const std::string file = "localpart,display_name\r\nasha.rao,Asha Rao\r\nBad Name,Bimal\r\n";
  const auto preview = post("/imports", file);
  ASSERT_EQ(preview.status, 200) << preview.code();
  EXPECT_EQ(preview.root().get("good").int_or(0), 1);
  EXPECT_EQ(preview.root().get("bad").int_or(0), 1);
  EXPECT_EQ(preview.root().get("first").at(0).get("row").int_or(0), 3) << "what is wrong first";
  const std::string path = "/imports/" + std::string(preview.root().get("import_id").string_or(""));
  const auto bad = get(path + "/rows?only=bad");
  ASSERT_EQ(bad.root().get("rows").size(), 1U);
  const json::Value error = bad.root().get("rows").at(0).get("errors").at(0);
  EXPECT_EQ(error.get("errcode").string_or(""), "GIMS_ROW_NAME");
  EXPECT_EQ(error.get("column").string_or(""), "localpart");
  EXPECT_EQ(get("/users").root().get("users").size(), 0U) << "nothing is made by looking";
  EXPECT_EQ(post(path + "/commit", R"({"skip_bad":false})").code(), "GIMS_ROWS");
  const auto made = post(path + "/commit", R"({"skip_bad":true})");
  ASSERT_EQ(made.status, 200) << made.code();
  EXPECT_EQ(made.root().get("made").int_or(0), 1);
  EXPECT_EQ(made.root().get("errors").size(), 1U);
  EXPECT_EQ(get("/users?q=rao").root().get("users").size(), 1U);
  EXPECT_EQ(post(path + "/commit", R"({"skip_bad":true})").root().get("made").int_or(0), 1);
  EXPECT_EQ(ask("DELETE", path).status, 200);
  EXPECT_EQ(get(path + "/rows").code(), "GIMS_EXPIRED");
  EXPECT_EQ(post("/imports", "").code(), "GIMS_IMPORT");
  EXPECT_EQ(post("/imports", std::string((std::size_t{4} << 20U) + 1, 'x')).code(), "GIMS_IMPORT");
}

TEST_F(AdminApi, ADeviceIsLockedAndWiped) {
  add("desk.officer");
  const auto phone = sign_in("desk.officer", password);
  ASSERT_TRUE(phone);
  const std::string path = "/users/desk.officer/devices/PHONE";
  ASSERT_EQ(post(path + "/lock", R"({"reason":"left in a taxi"})").status, 200);
  expect_entry(2, "device.locked", R"({"device_id":"PHONE","reason":"left in a taxi"})");
  EXPECT_EQ(post(path + "/lock").code(), "GIMS_STATE");
  EXPECT_EQ(get("/devices?state=locked").root().get("devices").size(), 1U);
  ASSERT_EQ(post(path + "/unlock").status, 200);
  ASSERT_EQ(post(path + "/wipe").status, 200);
  expect_entry(4, "device.wipe", R"({"device_id":"PHONE"})");
  const auto found = get("/devices?q=desk");
  ASSERT_EQ(found.root().get("devices").size(), 1U);
  EXPECT_EQ(found.root().get("devices").at(0).get("device").get("state").string_or(""), "wiping");
  EXPECT_FALSE(known(*phone));
  EXPECT_EQ(keys.removed, std::vector<std::string>{"PHONE"});
  EXPECT_EQ(post(path + "/wipe").code(), "M_NOT_FOUND");
  EXPECT_EQ(get("/devices?after=x").code(), "M_INVALID_PARAM");
  EXPECT_EQ(get("/devices?state=gone").code(), "M_INVALID_PARAM");
}

TEST_F(AdminApi, RoomsAndReportsAreSeenAndEnded) {
  add("desk.officer");
  std::promise<Result<std::string>> made;
  room_service.create({.user_id = "@desk.officer:gims.internal", .device_id = "PHONE"},
                      {.name = "Flood control"},
                      [&](Result<std::string> room) { made.set_value(std::move(room)); });
  const auto room = made.get_future().get();
  ASSERT_TRUE(room);
  std::promise<Result<>> reported;
  room_service.report({.user_id = "@desk.officer:gims.internal", .device_id = "PHONE"},
                      {.room_id = *room, .reason = "spam"},
                      [&](Result<> done) { reported.set_value(std::move(done)); });
  ASSERT_TRUE(reported.get_future().get());
  const auto list = get("/rooms?q=flood");
  ASSERT_EQ(list.root().get("rooms").size(), 1U);
  EXPECT_EQ(list.root().get("rooms").at(0).get("members").int_or(0), 1);
  EXPECT_EQ(get("/rooms?q=nothing").root().get("rooms").size(), 0U);
  const std::string path = "/rooms/" + *room;
  EXPECT_EQ(get(path + "/members").root().get("members").size(), 1U);
  EXPECT_EQ(get("/rooms/!none").code(), "M_NOT_FOUND");
  EXPECT_EQ(post(path + "/shutdown", "{}").code(), "M_MISSING_PARAM");
  ASSERT_EQ(post(path + "/shutdown", R"({"reason":"the flood is over"})").status, 200);
  EXPECT_TRUE(get(path).root().get("shut_down_ts").valid());
  EXPECT_EQ(get(path).root().get("members").int_or(-1), 0);
  EXPECT_EQ(post(path + "/shutdown", R"({"reason":"again"})").code(), "GIMS_STATE");

  EXPECT_EQ(get("/reports?state=open").root().get("reports").at(0).get("about").string_or(""),
            "room");
  EXPECT_EQ(post("/reports/1/close", R"({"note":"spoken to"})").status, 200);
  EXPECT_EQ(post("/reports/1/close", R"({"note":"again"})").code(), "GIMS_STATE");
  EXPECT_EQ(post("/reports/7/close", R"({"note":"none"})").code(), "M_NOT_FOUND");
  EXPECT_EQ(get("/reports?state=open").root().get("reports").size(), 0U);
  EXPECT_EQ(get("/reports").root().get("reports").at(0).get("note").string_or(""), "spoken to");
}

}  // namespace
}  // namespace gims::api::admin
