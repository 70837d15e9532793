// A site with the routes of administrators behind the gate and a real server.
#pragma once

#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/admin/admin.hpp"
#include "api/gate.hpp"
#include "service/accounts/sessions.hpp"
#include "support/store_under_test.hpp"
#include "unit/http/client.hpp"
#include "unit/http/site.hpp"

namespace gims::api::admin {

inline constexpr std::string_view base = "/_gims/admin/v1";
inline constexpr std::string_view password = "correct horse battery";

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

inline SecretBytes key() { return std::move(*SecretBytes::random(32)); }

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
  service::Sessions sessions;
  test::StoreUnderTest store;
  service::Slips slips{key(), store.clock()};
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

}  // namespace gims::api::admin
