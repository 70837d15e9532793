// The console's door of a whole server: who may call which route, and from where. The cases are
// made of the route tables.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <utility>

#include "app/site.hpp"
#include "support/listed_administrators.hpp"
#include "support/manual_clock.hpp"
#include "support/temp_folder.hpp"
#include "support/web_authenticator.hpp"
#include "sys/socket.hpp"
#include "unit/http/client.hpp"

namespace gims::app {
namespace {

using hsm::approval::KeyKind;
using hsm::approval::Role;
using std::chrono::minutes;

constexpr std::string_view base = "/_gims/admin/v1";
constexpr std::string_view passphrase = "correct horse battery";
constexpr std::string_view own_origin = "Origin: https://gims.internal:8444\r\n";

struct Reply {
  int status = 0;
  std::map<std::string, std::string> headers;
  std::string body;
  json::Document json;
  [[nodiscard]] json::Value root() const { return json.root(); }
  [[nodiscard]] std::string code() const {
    return std::string(root().get("errcode").string_or(""));
  }
};

// A browser with its cookie.
struct Browser {
  std::string cookie;
  std::string csrf;
};

class ConsoleDoor : public testing::Test {
 protected:
  ConsoleDoor() {
    auto approvals = std::make_unique<test::ListedAdministrators>();
    listed = approvals.get();
    for (const auto& [name, role] : people) {
      auto about = keys.at(std::string(name)).about();
      about.roles = {role};
      approvals->add(about);
    }
    hsm::DataKeys data;
    for (SecretBytes* const place :
         {&data.data, &data.media, &data.token_hash, &data.audit, &data.backup, &data.pepper}) {
      *place = std::move(*SecretBytes::random(hsm::key_size));
    }
    service::Policy policy = service::test_site_policy();
    policy.server_name = "gims.internal";
    auto opened = Site::open({.services = {.policy = std::move(policy),
                                           .folder = folder.path(),
                                           .keys = std::move(data),
                                           .approvals = std::move(approvals),
                                           .organisation = "Ministry"},
                              .http = {.loops = 1, .workers = 1}},
                             clock);
    EXPECT_TRUE(opened);
    site = std::move(*opened);
    table = std::move(*json::Document::parse(site->routes()));
    EXPECT_TRUE(site->serve());
  }
  ~ConsoleDoor() override { site->stop(); }

  static http::Peer at_console(std::string address = "10.1.0.7") {
    return {.address = std::move(address), .door = http::Door::console, .uid = std::nullopt};
  }

  Reply send(const http::Peer& peer, std::string_view method, std::string_view path,
             std::string_view headers, std::string_view body) {
    auto pair = sys::stream_pair(sys::Blocking::yes);
    site->adopt(std::move(pair->first), peer);
    http::test::Client client(std::move(pair->second));
    std::string request =
        std::string(method) + " " + std::string(path) + " HTTP/1.1\r\n" + std::string(headers);
    if (!headers.contains("Host: ")) request += "Host: gims.internal:8444\r\n";
    if (method != "GET") request += "Content-Length: " + std::to_string(body.size()) + "\r\n";
    auto answer = client.ask(request + "\r\n" + std::string(body));
    EXPECT_TRUE(answer) << path;
    if (!answer) return {};
    auto parsed = json::Document::parse(answer->body);
    return {.status = answer->status,
            .headers = std::move(answer->headers),
            .body = std::move(answer->body),
            .json = parsed ? std::move(*parsed) : json::Document()};
  }
  // As a page of the console asks.
  Reply ask(const Browser& browser, std::string_view method, std::string_view path,
            std::string_view body = "") {
    std::string headers = "Sec-Fetch-Site: same-origin\r\n" + std::string(own_origin);
    if (!browser.cookie.empty()) headers += "Cookie: " + browser.cookie + "\r\n";
    if (!browser.csrf.empty()) headers += "X-GIMS-CSRF: " + browser.csrf + "\r\n";
    return send(at_console(), method, std::string(base) + std::string(path), headers, body);
  }
  Reply at_socket(std::string_view method, std::string_view path) {
    return send({.address = "", .door = http::Door::admin, .uid = 0}, method,
                std::string(base) + std::string(path), "", "");
  }

  static hsm::approval::Challenge challenge_in(json::Value options) {
    hsm::approval::Challenge challenge{};
    const auto bytes =
        crypto::from_base64(options.get("challenge").string_or(""), crypto::Alphabet::url_safe);
    EXPECT_TRUE(bytes && bytes->size() == challenge.size());
    if (bytes && bytes->size() == challenge.size()) std::ranges::copy(*bytes, challenge.begin());
    return challenge;
  }
  static std::string quoted(std::string_view text) { return "\"" + std::string(text) + "\""; }

  // By the code that gimsctl printed, and the security key that gims-keyd knows.
  Browser signed_in(std::string_view name) {
    test::WebAuthenticator& key = keys.at(std::string(name));
    if (!invited.contains(std::string(name))) {
      const Reply invitation =
          at_socket("POST", "/administrators/" + std::string(name) + "/invite");
      EXPECT_EQ(invitation.status, 200) << invitation.body;
      const Reply accepted = ask({}, "POST", "/signin/invited",
                                 R"({"name":)" + quoted(name) + R"(,"code":)" +
                                     quoted(invitation.root().get("code").string_or("")) +
                                     R"(,"passphrase":)" + quoted(passphrase) + "}");
      EXPECT_EQ(accepted.status, 200) << accepted.body;
      invited.insert(std::string(name));
    }
    const Reply step =
        ask({}, "POST", "/signin/start",
            R"({"name":)" + quoted(name) + R"(,"passphrase":)" + quoted(passphrase) + "}");
    EXPECT_EQ(step.status, 200) << step.body;
    const Reply done =
        ask({}, "POST", "/signin/finish",
            R"({"signin":)" + quoted(step.root().get("signin").string_or("")) +
                R"(,"factor":{"webauthn":)" +
                key.assertion_json(challenge_in(step.root().get("webauthn"))) + "}}");
    EXPECT_EQ(done.status, 200) << done.body;
    const auto header = done.headers.find("set-cookie");
    EXPECT_NE(header, done.headers.end());
    if (header == done.headers.end()) return {};
    return {.cookie = header->second.substr(0, header->second.find(';')),
            .csrf = std::string(done.root().get("csrf").string_or(""))};
  }

  // Every route of the console's door for which a session is needed, with its parameters filled.
  struct Case {
    std::string method;
    std::string path;
    std::set<std::string> roles;
    bool fresh = false;
    bool with_body = false;
    [[nodiscard]] bool changes() const { return method != "GET"; }
  };
  std::vector<Case> cases() {
    std::vector<Case> all;
    for (const json::Value route : table.root().array()) {
      if (route.get("door").string_or("") != "console" ||
          route.get("access").string_or("") != "signed_in") {
        continue;
      }
      Case& one = all.emplace_back();
      one.method = route.get("method").string_or("");
      one.path = filled(route.get("path").string_or(""));
      for (const json::Value role : route.get("roles").array()) {
        one.roles.insert(std::string(role.string_or("")));
      }
      one.fresh = route.get("fresh").bool_or(false);
      one.with_body = route.get("body").string_or("") == "json_object";
    }
    EXPECT_GT(all.size(), 30U);
    return all;
  }
  static std::string filled(std::string_view path) {
    std::string out;
    while (!path.empty()) {
      const auto open = path.find('{');
      out += path.substr(0, open);
      if (open == std::string_view::npos) break;
      const auto close = path.find('}', open);
      const std::string_view name = path.substr(open + 1, close - open - 1);
      out += name == "proposalId" ? "4294967295" : "nobody";
      path.remove_prefix(close + 1);
    }
    return out;
  }
  // The code of the refusal that the gate gives; "" where the request reached its handler.
  std::string gate_says(const Case& one, std::string_view headers,
                        const http::Peer& peer = at_console()) {
    const Reply reply = send(peer, one.method, one.path, headers, one.with_body ? "{}" : "");
    for (const std::string_view code :
         {"M_UNKNOWN_TOKEN", "GIMS_ORIGIN", "GIMS_ROLE", "GIMS_FRESH"}) {
      if (reply.code() == code) {
        EXPECT_EQ(reply.status, code == "M_UNKNOWN_TOKEN" ? 401 : 403) << one.path;
        return std::string(code);
      }
    }
    EXPECT_NE(reply.status, 401) << one.path;
    EXPECT_NE(reply.code(), "M_UNRECOGNIZED") << one.path;
    return "";
  }
  static std::string headers_of(const Browser& browser, std::string_view origin = own_origin) {
    return "Cookie: " + browser.cookie + "\r\nX-GIMS-CSRF: " + browser.csrf + "\r\n" +
           std::string(origin);
  }

  static constexpr std::array<std::pair<std::string_view, Role>, 3> people{
      {{"Asha", Role::administrator},
       {"Bimal", Role::security_officer},
       {"Chitra", Role::auditor}}};
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 3> role_of{
      {{"Asha", "administrator"}, {"Bimal", "security_officer"}, {"Chitra", "auditor"}}};

  std::map<std::string, test::WebAuthenticator> keys = [] {
    std::map<std::string, test::WebAuthenticator> made;
    for (const auto& [name, role] : people) {
      made.emplace(name, test::WebAuthenticator(KeyKind::webauthn_es256, std::string(name)));
    }
    return made;
  }();
  std::set<std::string> invited;
  const test::TempFolder folder;
  test::ManualClock clock;
  test::ListedAdministrators* listed = nullptr;
  std::unique_ptr<Site> site;
  json::Document table;
};

TEST_F(ConsoleDoor, EveryRouteWantsASession) {
  for (const Case& one : cases()) {
    EXPECT_EQ(gate_says(one, own_origin), "M_UNKNOWN_TOKEN") << one.method << one.path;
    EXPECT_EQ(gate_says(one, headers_of({.cookie = "__Host-gims-console=AAAA", .csrf = "AAAA"})),
              "M_UNKNOWN_TOKEN")
        << one.method << one.path;
  }
}

TEST_F(ConsoleDoor, EveryRouteIsForItsRolesAlone) {
  for (const auto& [name, role] : role_of) {
    Browser browser = signed_in(name);
    for (const Case& one : cases()) {
      // These end the session.
      if (one.method == "DELETE" && one.path.ends_with("/session")) continue;
      EXPECT_EQ(gate_says(one, headers_of(browser)),
                one.roles.contains(std::string(role)) ? "" : "GIMS_ROLE")
          << role << " " << one.method << one.path;
    }
  }
}

TEST_F(ConsoleDoor, AnAuditorChangesNothing) {
  // Signing in and out, one's own means, and questions whose answer is made anew.
  const std::set<std::string> own{"/session",
                                  "/sessions/nobody",
                                  "/session/fresh/start",
                                  "/session/fresh/finish",
                                  "/me/passphrase",
                                  "/me/language",
                                  "/me/factors/start",
                                  "/me/factors/finish",
                                  "/me/factors/webauthn/nobody",
                                  "/me/factors/totp",
                                  "/audit/verify",
                                  "/attestation"};
  for (const Case& one : cases()) {
    const bool may = one.roles.contains("auditor");
    if (!one.changes()) {
      EXPECT_TRUE(may) << one.path;
    } else if (may) {
      EXPECT_TRUE(own.contains(one.path.substr(base.size()))) << one.method << one.path;
    }
  }
}

TEST_F(ConsoleDoor, SensitiveActsWantBothFactorsOnceMore) {
  const Browser browser = signed_in("Asha");
  clock.advance(std::chrono::milliseconds(minutes(6)).count());
  std::size_t fresh = 0;
  for (const Case& one : cases()) {
    if (!one.roles.contains("administrator")) continue;
    if (one.method == "DELETE" && one.path.ends_with("/session")) continue;
    EXPECT_EQ(gate_says(one, headers_of(browser)), one.fresh ? "GIMS_FRESH" : "")
        << one.method << one.path;
    fresh += one.fresh ? 1 : 0;
  }
  EXPECT_GT(fresh, 8U);
}

TEST_F(ConsoleDoor, AnExpiredSessionIsNone) {
  const Browser browser = signed_in("Asha");
  clock.advance(std::chrono::milliseconds(minutes(10)).count());
  for (const Case& one : cases()) {
    EXPECT_EQ(gate_says(one, headers_of(browser)), "M_UNKNOWN_TOKEN") << one.method << one.path;
  }
}

TEST_F(ConsoleDoor, ARequestOfAnotherSiteIsRefused) {
  const Browser browser = signed_in("Asha");
  for (const Case& one : cases()) {
    for (const std::string_view foreign :
         {"Origin: https://evil.example\r\n", "Origin: null\r\n",
          "Origin: http://gims.internal:8444\r\n", "Origin: https://gims.internal:8443\r\n",
          "Origin: https://gims.internal.evil.example:8444\r\n", "Sec-Fetch-Site: cross-site\r\n",
          "Sec-Fetch-Site: same-site\r\n",
          "Host: evil.example\r\nOrigin: https://evil.example\r\n"}) {
      EXPECT_EQ(gate_says(one, headers_of(browser, foreign)), "GIMS_ORIGIN")
          << foreign << one.method << one.path;
    }
    // What says nothing of where it comes from changes nothing.
    if (one.changes()) {
      EXPECT_EQ(gate_says(one, headers_of(browser, "")), "GIMS_ORIGIN") << one.path;
      EXPECT_EQ(gate_says(one, headers_of(browser, "Sec-Fetch-Site: none\r\n")), "GIMS_ORIGIN")
          << one.path;
    }
  }
}

TEST_F(ConsoleDoor, AChangeWantsTheTokenOfItsOwnSession) {
  const Browser one = signed_in("Asha");
  const Browser other = signed_in("Asha");
  for (const Case& route : cases()) {
    if (!route.changes()) {
      EXPECT_EQ(gate_says(route, "Cookie: " + one.cookie + "\r\n"), "") << route.path;
      continue;
    }
    EXPECT_EQ(gate_says(route, "Cookie: " + one.cookie + "\r\n" + std::string(own_origin)),
              "GIMS_ORIGIN")
        << route.path;
    EXPECT_EQ(gate_says(route, headers_of({.cookie = one.cookie, .csrf = other.csrf})),
              "GIMS_ORIGIN")
        << route.path;
  }
}

TEST_F(ConsoleDoor, ASessionFromElsewhereEnds) {
  const Browser browser = signed_in("Asha");
  const Case one{.method = "GET", .path = std::string(base) + "/session", .roles = {}};
  EXPECT_EQ(gate_says(one, headers_of(browser)), "");
  EXPECT_EQ(gate_says(one, headers_of(browser), at_console("10.6.6.6")), "M_UNKNOWN_TOKEN");
  EXPECT_EQ(gate_says(one, headers_of(browser)), "M_UNKNOWN_TOKEN");
}

TEST_F(ConsoleDoor, TwoCookiesAreNone) {
  const Browser browser = signed_in("Asha");
  const Case one{.method = "GET", .path = std::string(base) + "/session", .roles = {}};
  EXPECT_EQ(gate_says(one, "Cookie: __Host-gims-console=x; " + browser.cookie + "\r\n"),
            "M_UNKNOWN_TOKEN");
}

TEST_F(ConsoleDoor, WhoIsNoAdministratorAnyMoreIsOutAtOnce) {
  const Browser browser = signed_in("Asha");
  const Case one{.method = "GET", .path = std::string(base) + "/session", .roles = {}};
  listed->remove("Asha");
  // Asking for the proposals asks gims-keyd, and has the list read anew after it.
  for (int i = 0; i < 1000 && gate_says(one, headers_of(browser)).empty(); ++i) {
    ask(browser, "GET", "/proposals");
  }
  EXPECT_EQ(gate_says(one, headers_of(browser)), "M_UNKNOWN_TOKEN");
}

TEST_F(ConsoleDoor, EachDoorHasItsOwnRoutes) {
  const auto at = [&](http::Door door, std::string_view path) {
    http::Peer peer{.address = "10.1.0.7", .door = door, .uid = std::nullopt};
    if (door == http::Door::admin) peer = {.address = "", .door = door, .uid = 0};
    return send(peer, "GET", path, "", "").status;
  };
  for (const std::string_view path : {"/_gims/admin/v1/session", "/_gims/admin/v1/status",
                                      "/_gims/admin/v1/site", "/_gims/admin/v1/users"}) {
    EXPECT_EQ(at(http::Door::client, path), 404) << path;
    EXPECT_NE(at(http::Door::console, path), 404) << path;
  }
  for (const std::string_view path :
       {"/_matrix/client/versions", "/_matrix/client/v3/sync", "/.well-known/matrix/client"}) {
    EXPECT_EQ(at(http::Door::console, path), 404) << path;
    EXPECT_NE(at(http::Door::client, path), 404) << path;
  }
  EXPECT_EQ(at(http::Door::admin, "/_gims/admin/v1/session"), 404);
  EXPECT_EQ(at(http::Door::admin, "/_gims/admin/v1/administrators"), 200);
  // What only the unit itself asks for.
  const Browser browser = signed_in("Asha");
  for (const std::string_view path : {"/migrate", "/audit/acts", "/users/nobody/reset-identity"}) {
    EXPECT_EQ(ask(browser, "POST", path, "{}").status, 404) << path;
  }
}

TEST_F(ConsoleDoor, TheCookieIsOutOfThePagesReach) {
  const Browser browser = signed_in("Asha");
  EXPECT_TRUE(browser.cookie.starts_with("__Host-gims-console="));
  const Reply reply = ask(browser, "DELETE", "/session");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.headers.at("set-cookie"),
            "__Host-gims-console=; Max-Age=0; Path=/; Secure; HttpOnly; SameSite=Strict");
  EXPECT_EQ(ask(browser, "GET", "/session").code(), "M_UNKNOWN_TOKEN");
}

TEST_F(ConsoleDoor, AnswersAreKeptAndReadByNobodyElse) {
  const Reply reply = ask(signed_in("Asha"), "GET", "/session");
  EXPECT_EQ(reply.headers.at("cache-control"), "no-store");
  EXPECT_EQ(reply.headers.at("x-content-type-options"), "nosniff");
  EXPECT_TRUE(reply.headers.at("content-security-policy").starts_with("default-src 'none'"));
  EXPECT_EQ(reply.headers.at("cross-origin-resource-policy"), "same-origin");
  EXPECT_TRUE(reply.headers.contains("strict-transport-security"));
  EXPECT_FALSE(reply.headers.contains("access-control-allow-origin"));
}

TEST_F(ConsoleDoor, ASharedActHasThePersonInTheLog) {
  const Browser browser = signed_in("Asha");
  const Reply made = ask(browser, "POST", "/users",
                         R"({"localpart":"desk.officer","password":"correct horse battery"})");
  EXPECT_EQ(made.status, 200) << made.body;
  const Reply log = ask(browser, "GET", "/audit?limit=500");
  json::Value last;
  for (const json::Value entry : log.root().get("entries").array()) last = entry;
  EXPECT_EQ(last.get("act").string_or(""), "user.add");
  EXPECT_EQ(last.get("actor").string_or(""), "administrator Asha");
  EXPECT_EQ(last.get("origin").string_or(""), "console 10.1.0.7");
}

TEST_F(ConsoleDoor, MembersThatAreNotListedAreRefused) {
  const Reply reply =
      ask({}, "POST", "/signin/start", R"({"name":"Asha","passphrase":"x","remember":true})");
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(reply.code(), "M_BAD_JSON");
  EXPECT_EQ(reply.root().get("error").string_or(""),
            "There is no member \"remember\" in this request.");
}

TEST_F(ConsoleDoor, WhatIsBegunAndOverIsGone) {
  const Reply reply =
      ask({}, "POST", "/signin/finish", R"({"signin":"AAAA","factor":{"totp":"123456"}})");
  EXPECT_EQ(reply.status, 410);
  EXPECT_EQ(reply.code(), "GIMS_EXPIRED");
}

TEST_F(ConsoleDoor, TellsWhichSiteItIs) {
  const Reply reply = ask({}, "GET", "/site");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.root().get("server_name").string_or(""), "gims.internal");
  EXPECT_EQ(reply.root().get("organisation").string_or(""), "Ministry");
  EXPECT_EQ(reply.root().get("rp_id").string_or(""), "gims.internal");
  EXPECT_EQ(reply.root().get("languages").size(), 13U);
}

}  // namespace
}  // namespace gims::app
