// The routes of administrators behind the gate and a real server.
#include "api/admin/admin.hpp"

#include <gtest/gtest.h>

#include <future>
#include <string>

#include "api/gate.hpp"
#include "service/accounts/sessions.hpp"
#include "support/store_under_test.hpp"
#include "unit/http/client.hpp"
#include "unit/http/site.hpp"

namespace gims::api::admin {
namespace {

constexpr std::string_view base = "/_gims/admin/v1";
constexpr std::string_view password = "correct horse battery";

class NobodyAuthenticator final : public Authenticator {
 public:
  [[nodiscard]] Result<Caller> authenticate(std::string_view, Auth, const http::Request&) override {
    return fail(ErrorKind::unauthenticated, "M_UNKNOWN_TOKEN", "Nobody signs in here.");
  }
};

// Notes whose keys were removed.
class NotedKeys final : public service::DeviceKeyRemoval {
 public:
  [[nodiscard]] Result<> device_removed(store::Transaction&, std::string_view,
                                        std::string_view device_id) override {
    removed.emplace_back(device_id);
    return {};
  }
  std::vector<std::string> removed;
};

class NoRooms final : public service::ProfileInRooms {
 public:
  [[nodiscard]] Result<> profile_changed(store::Transaction&, std::string_view, std::string_view,
                                         std::string_view) override {
    return {};
  }
};

// gims-keyd, where two approved number 7 for one account.
class Approved final : public service::KeydDecisions {
 public:
  [[nodiscard]] Result<std::vector<std::string>> redeem_identity_reset(
      std::uint32_t approval, std::string_view user_id) override {
    if (approval != 7 || user_id != "@desk.officer:gims.internal") {
      return fail(ErrorKind::forbidden, "GIMS_KEYD_APPROVAL", "It takes two administrators.");
    }
    return std::vector<std::string>{"Asha", "Bimal"};
  }
  [[nodiscard]] Result<Acts> acts(std::uint64_t) override { return Acts{}; }
};

SecretBytes key() { return std::move(*SecretBytes::random(32)); }

struct Reply {
  int status = 0;
  json::Document json;
  [[nodiscard]] json::Value root() const { return json.root(); }
  [[nodiscard]] std::string_view code() const { return root().get("errcode").string_or(""); }
};

class AdminApi : public ::testing::Test {
 protected:
  static service::Policy made_policy() {
    service::Policy policy = service::test_site_policy();
    policy.server_name = "gims.internal";
    policy.shortest_password = 12;
    return policy;
  }
  AdminApi()
      : policy(made_policy()),
        passwords({.pepper = key(), .data = key()}, policy.password_cost, 1, 16),
        audit(nullptr),
        sessions(service::Tokens(key()), system_clock, policy),
        store({&sessions, &audit}),
        removal(keys),
        users(*store, passwords, policy),
        password_check(users, passwords, system_clock, policy),
        officers(*store, users, rooms),
        imports(*store, users, officers, system_clock),
        site_devices(*store, removal),
        room_service(*store, policy, system_clock),
        media(std::move(*service::Media::open({.folder = store.folder() / "media", .key = key()},
                                              *store, policy, system_clock))),
        store_check(*store, *media),
        status(*store, store_check, users, audit, policy, system_clock, "1.2.3"),
        gate({.rate_limits = false, .admin_uids = {501}}, authenticator, system_clock) {
    slips.attach(*store);
    password_check.take_codes(slips);
    sessions.attach(*store, users, password_check, removal);
    users.at_reset([this](store::Transaction& transaction, std::string_view user_id) {
      return removal.remove_all(transaction, user_id, "");
    });
    EXPECT_TRUE(audit.attach(*store));
    EXPECT_TRUE(two_persons.attach(*store));
    status.count_connections([] { return std::size_t{7}; });
    Routes all;
    for (Routes module :
         {status_routes(status), migration_routes(migration),
          user_routes(
              {.users = users, .officers = officers, .slips = slips, .devices = site_devices}),
          organisation_routes(organisation), import_routes(imports), slip_routes(users, slips),
          device_routes(users, site_devices), room_routes(site_rooms, room_service),
          report_routes(reports), identity_routes(users, two_persons), audit_routes(audit),
          unit_routes(unit_acts)}) {
      for (Route& route : module) all.push_back(std::move(route));
    }
    server = std::move(*http::Server::start({.loops = 1, .workers = 1}, gate.routes(std::move(all)),
                                            gate.renderer()));
  }
  ~AdminApi() override {
    store_check.stop();
    server.reset();
    media->stop();
    two_persons.stop();
    store->stop();
    audit.stop();
  }

  Reply ask(std::string_view method, std::string_view path, std::string_view body = "",
            http::Peer peer = {.address = "", .door = http::Door::admin, .uid = 501}) {
    auto pair = sys::stream_pair(sys::Blocking::yes);
    server->adopt(std::move(pair->first), std::move(peer));
    http::test::Client client(std::move(pair->second));
    std::string request = std::string(method) + " " + std::string(base) + std::string(path) +
                          " HTTP/1.1\r\nHost: gimsd\r\n";
    if (method != "GET") request += "Content-Length: " + std::to_string(body.size()) + "\r\n";
    auto answer = client.ask(request + "\r\n" + std::string(body));
    EXPECT_TRUE(answer) << path;
    if (!answer) return {};
    auto parsed = json::Document::parse(answer->body);
    EXPECT_TRUE(parsed) << answer->body;
    return {.status = answer->status, .json = parsed ? std::move(*parsed) : json::Document()};
  }
  Reply get(std::string_view path) { return ask("GET", path); }
  Reply post(std::string_view path, std::string_view body = "") { return ask("POST", path, body); }

  void add(std::string_view name) {
    const auto made = post("/users", R"({"localpart":")" + std::string(name) + R"(","password":")" +
                                         std::string(password) + R"("})");
    ASSERT_EQ(made.status, 200) << made.code();
  }
  Result<service::SignedIn> sign_in(std::string user, std::string_view secret,
                                    std::string device = "PHONE") {
    std::promise<Result<service::SignedIn>> promise;
    auto future = promise.get_future();
    sessions.login({.user = std::move(user),
                    .password = Redacted(std::string(secret)),
                    .device_id = std::move(device),
                    .device_name = "Desk phone"},
                   {.address = "192.0.2.7", .agent = "test"},
                   [&](Result<service::SignedIn> done) { promise.set_value(std::move(done)); });
    return future.get();
  }
  bool known(const service::SignedIn& signed_in) {
    return sessions
        .authenticate(signed_in.access_token.reveal(), {}, service::Admit::all_but_closed)
        .has_value();
  }
  // The newest entry of the log.
  struct Entry {
    std::int64_t sequence = 0;
    std::string actor;
    std::string origin;
    std::string act;
    std::string target;
    std::string detail;
  };
  Entry newest() {
    const auto page = get("/audit");
    Entry last;
    for (const json::Value entry : page.root().get("entries").array()) {
      last = {.sequence = entry.get("sequence").int_or(0),
              .actor = std::string(entry.get("actor").string_or("")),
              .origin = std::string(entry.get("origin").string_or("")),
              .act = std::string(entry.get("act").string_or("")),
              .target = std::string(entry.get("target").string_or("")),
              .detail = entry.get("detail").to_text()};
    }
    return last;
  }
  void expect_entry(std::int64_t sequence, std::string_view act, std::string_view detail) {
    const Entry entry = newest();
    EXPECT_EQ(entry.sequence, sequence);
    EXPECT_EQ(entry.actor, "gimsctl uid 501");
    EXPECT_EQ(entry.origin, "admin socket");
    EXPECT_EQ(entry.act, act);
    EXPECT_EQ(entry.target, "@desk.officer:gims.internal");
    EXPECT_EQ(entry.detail, detail);
  }

  SystemClock system_clock;
  service::Policy policy;
  service::Passwords passwords;
  service::AuditLog audit;
  service::Slips slips{key(), system_clock};
  service::Sessions sessions;
  test::StoreUnderTest store;
  NotedKeys keys;
  service::DeviceRemoval removal;
  service::Users users;
  service::PasswordCheck password_check;
  NoRooms rooms;
  service::Organisation organisation{*store};
  service::Officers officers;
  service::Imports imports;
  service::SiteDevices site_devices;
  service::rooms::Rooms room_service;
  service::rooms::SiteRooms site_rooms{*store};
  service::Reports reports{*store};
  std::unique_ptr<service::Media> media;
  service::StoreCheck store_check;
  service::SiteStatus status;
  service::SchemaMigration migration{*store};
  Approved approved;
  service::TwoPersons two_persons{&approved};
  service::UnitActs unit_acts{*store};
  NobodyAuthenticator authenticator;
  Gate gate;
  std::unique_ptr<http::Server> server;
};

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
  EXPECT_FALSE(known(*phone));
  EXPECT_EQ(keys.removed, std::vector<std::string>{"PHONE"});
  const auto found = get("/devices?q=desk");
  ASSERT_EQ(found.root().get("devices").size(), 1U);
  EXPECT_EQ(found.root().get("devices").at(0).get("device").get("state").string_or(""), "wiping");
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
