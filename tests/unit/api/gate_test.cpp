// The gate behind a real server: what a client sees when it is refused, and when not.
#include "api/gate.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <set>

#include "json/value.hpp"
#include "unit/http/client.hpp"
#include "unit/http/site.hpp"

namespace gims::api {
namespace {

using http::Door;
using http::Method;
using http::Run;
using http::test::Answer;
using http::test::get;
using http::test::post;

// "good" is @asha:x, "locked" a locked account, "old" has expired.
class TableAuthenticator final : public Authenticator {
 public:
  [[nodiscard]] Result<Caller> authenticate(std::string_view token, Auth auth,
                                            const http::Request& request) override {
    EXPECT_EQ(request.peer.address, "192.0.2.7");
    if (token == "good" || (token == "locked" && auth == Auth::token_locked_ok)) {
      return Caller{.user_id = "@asha:x", .device_id = "PHONE"};
    }
    if (token == "locked") {
      return fail(ErrorKind::unauthenticated, "M_USER_LOCKED", "This account is locked.");
    }
    auto failed = fail(ErrorKind::unauthenticated, "M_UNKNOWN_TOKEN", "Sign in again.");
    if (token == "old") failed.error().extra_json = "\"soft_logout\":true";
    return failed;
  }
};

std::string described(const Call& call) {
  return R"({"user":")" + call.caller().user_id + R"(","device":")" + call.caller().device_id +
         R"(","body":)" + call.body().to_text() + "}";
}

class CountingUpload final : public Upload {
 public:
  [[nodiscard]] Result<> write(std::span<const char> piece) override {
    size_ += piece.size();
    if (size_ > 100) return fail(ErrorKind::forbidden, "M_FORBIDDEN", "The quota is used up.");
    return {};
  }
  void finish(Call call) override { std::move(call).reply(std::to_string(size_)); }

 private:
  std::size_t size_ = 0;
};

Route made(Method method, std::string_view path, Auth auth, BodyKind body = BodyKind::none,
           RateClass rate = RateClass::unlimited) {
  return {.method = method,
          .door = auth == Auth::admin_socket ? Door::admin : Door::client,
          .path = path,
          .auth = auth,
          .rate = rate,
          .body = body,
          .body_limit = 1000,
          .run = Run::on_loop,
          .handler = [](Call call) {
            auto text = described(call);
            std::move(call).reply(std::move(text));
          }};
}

Routes table() {
  Routes routes{
      made(Method::get, "/open", Auth::none),
      made(Method::get, "/token", Auth::token),
      made(Method::get, "/maybe", Auth::token_optional),
      made(Method::post, "/logout", Auth::token_locked_ok, BodyKind::json_object_or_empty),
      made(Method::post, "/json", Auth::token, BodyKind::json_object),
      made(Method::get, "/login", Auth::none, BodyKind::none, RateClass::login),
      made(Method::get, "/admin", Auth::admin_socket),
      made(Method::get, "/dropped", Auth::none),
      made(Method::get, "/failed", Auth::none),
      made(Method::get, "/raw", Auth::none)};
  routes[7].handler = [](Call) {};
  routes[8].handler = [](Call call) {
    std::move(call).error(
        fail(ErrorKind::internal, "EIO", "", "the disk with path /var/lib/secret").error());
  };
  routes[9].handler = [](Call call) {
    http::Response response;
    response.headers.emplace_back("Content-Type", "image/png");
    response.body = std::string("png");
    std::move(call).send(std::move(response));
  };
  auto& upload = routes.emplace_back(made(Method::post, "/upload", Auth::token, BodyKind::stream));
  upload.handler = nullptr;
  upload.upload = [](const http::Request& request,
                     const Caller& caller) -> Result<std::unique_ptr<Upload>> {
    EXPECT_EQ(caller.user_id, "@asha:x");
    if (request.query("refuse")) {
      return fail(ErrorKind::forbidden, "M_FORBIDDEN", "Not this one.");
    }
    return std::make_unique<CountingUpload>();
  };
  return routes;
}

std::string with(std::string request, std::string_view header) {
  const std::size_t at = request.find("\r\n") + 2;
  return request.insert(at, std::string(header) + "\r\n");
}
std::string as(std::string_view token, std::string request) {
  return with(std::move(request), "Authorization: Bearer " + std::string(token));
}

class GateTest : public ::testing::Test {
 protected:
  explicit GateTest(bool limits = false)
      : gate_({.rate_limits = limits, .admin_uids = {501}}, authenticator_, clock_),
        server_(*http::Server::start({.loops = 1, .workers = 1}, gate_.routes(table()),
                                     gate_.renderer())) {}

  Answer ask(const std::string& request, Door door = Door::client,
             std::optional<std::uint32_t> uid = {}) {
    auto pair = sys::stream_pair(sys::Blocking::yes);
    server_->adopt(std::move(pair->first), {.address = "192.0.2.7", .door = door, .uid = uid});
    http::test::Client client(std::move(pair->second));
    auto answer = client.ask(request);
    EXPECT_TRUE(answer) << request;
    return answer ? *answer : Answer{};
  }
  // Refused, with that status and code, a text, and the headers that a browser needs.
  Answer refused(const std::string& request, int status, std::string_view errcode) {
    auto answer = ask(request);
    EXPECT_EQ(answer.status, status) << request;
    auto body = json::Document::parse(answer.body);
    EXPECT_TRUE(body) << answer.body;
    if (!body) return answer;
    EXPECT_EQ(body->root().get("errcode").string_or(""), errcode) << request;
    EXPECT_FALSE(body->root().get("error").string_or("").empty()) << request;
    EXPECT_EQ(answer.headers["access-control-allow-origin"], "*") << request;
    EXPECT_EQ(answer.headers["content-type"], "application/json") << request;
    return answer;
  }

  SystemClock clock_;
  TableAuthenticator authenticator_;
  Gate gate_;
  std::unique_ptr<http::Server> server_;
};
class LimitedGateTest : public GateTest {
 protected:
  LimitedGateTest() : GateTest(true) {}
};

TEST_F(GateTest, WantsATokenWhereTheRouteDoes) {
  EXPECT_EQ(ask(get("/open")).body, R"({"user":"","device":"","body":{}})");
  EXPECT_EQ(ask(as("good", get("/token"))).body,
            R"({"user":"@asha:x","device":"PHONE","body":{}})");
  refused(get("/token"), 401, "M_MISSING_TOKEN");
  refused(as("", get("/token")), 401, "M_MISSING_TOKEN");
  refused(with(get("/token"), "Authorization: Basic good"), 401, "M_MISSING_TOKEN");
  refused(as("bad", get("/token")), 401, "M_UNKNOWN_TOKEN");
  const auto old = refused(as("old", get("/token")), 401, "M_UNKNOWN_TOKEN");
  EXPECT_TRUE(json::Document::parse(old.body)->root().get("soft_logout").bool_or(false));
}

TEST_F(GateTest, TakesTheTokenInEitherFormOfTheSpec) {
  EXPECT_EQ(ask(get("/token?access_token=good")).status, 200);
  EXPECT_EQ(ask(with(get("/token"), "authorization: bearer good")).status, 200);
  // The header counts where there are both.
  refused(as("bad", get("/token?access_token=good")), 401, "M_UNKNOWN_TOKEN");
}

TEST_F(GateTest, LooksAtAnOptionalToken) {
  EXPECT_EQ(ask(get("/maybe")).body, R"({"user":"","device":"","body":{}})");
  EXPECT_EQ(ask(as("good", get("/maybe"))).status, 200);
  refused(as("bad", get("/maybe")), 401, "M_UNKNOWN_TOKEN");
}

TEST_F(GateTest, LetsALockedAccountSignOutOnly) {
  EXPECT_EQ(ask(as("locked", post("/logout", ""))).status, 200);
  refused(as("locked", get("/token")), 401, "M_USER_LOCKED");
}

TEST_F(GateTest, ReadsTheBody) {
  EXPECT_EQ(ask(as("good", post("/json", R"({"a":1})"))).body,
            R"({"user":"@asha:x","device":"PHONE","body":{"a":1}})");
  refused(as("good", post("/json", "")), 400, "M_NOT_JSON");
  refused(as("good", post("/json", "{")), 400, "M_NOT_JSON");
  refused(as("good", post("/json", "{\"a\":\"\xff\"}")), 400, "M_NOT_JSON");
  refused(as("good", post("/json", "[]")), 400, "M_BAD_JSON");
  refused(as("good", post("/json", std::string(400, '[') + std::string(400, ']'))), 400,
          "M_BAD_JSON");
  refused(as("good", post("/json", std::string(1001, ' '))), 413, "M_TOO_LARGE");
  // Who is not known learns nothing about the body.
  refused(post("/json", "{"), 401, "M_MISSING_TOKEN");
  EXPECT_EQ(ask(as("good", post("/logout", ""))).status, 200);
  refused(as("good", post("/logout", "7")), 400, "M_BAD_JSON");
}

TEST_F(GateTest, SpeaksForTheServerBelow) {
  refused(get("/nothing"), 404, "M_UNRECOGNIZED");
  EXPECT_EQ(refused(post("/open", ""), 405, "M_UNRECOGNIZED").headers["allow"], "GET");
  refused(get("/open?%"), 400, "M_INVALID_PARAM");
  refused(get("/dropped"), 500, "M_UNKNOWN");
}

TEST_F(GateTest, TellsNothingOfWhatIsInside) {
  const auto answer = refused(get("/failed"), 500, "M_UNKNOWN");
  EXPECT_EQ(answer.body.find("secret"), std::string::npos);
  EXPECT_EQ(answer.body.find("EIO"), std::string::npos);
}

TEST_F(GateTest, AnswersPreflights) {
  for (const char* path : {"/open", "/json", "/nothing"}) {
    const auto answer = ask("OPTIONS " + std::string(path) + " HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_EQ(answer.status, 204);
    EXPECT_EQ(answer.headers.at("access-control-allow-origin"), "*");
    EXPECT_EQ(answer.headers.at("access-control-allow-methods"), "GET, POST, PUT, DELETE, OPTIONS");
    EXPECT_EQ(answer.headers.at("access-control-allow-headers"),
              "X-Requested-With, Content-Type, Authorization");
  }
}

TEST_F(GateTest, LeavesTheHeadersOfAHandler) {
  const auto answer = ask(get("/raw"));
  EXPECT_EQ(answer.headers.at("content-type"), "image/png");
  EXPECT_EQ(answer.headers.at("access-control-allow-origin"), "*");
}

TEST_F(GateTest, LetsAdministratorsOfTheMachineIn) {
  EXPECT_EQ(ask(get("/admin"), Door::admin, 0).status, 200);
  EXPECT_EQ(ask(get("/admin"), Door::admin, 501).status, 200);
  EXPECT_EQ(ask(get("/admin"), Door::admin, 502).status, 403);
  EXPECT_EQ(ask(get("/admin"), Door::admin).status, 403);
  EXPECT_EQ(ask(get("/admin"), Door::client, 0).status, 404);
}

TEST_F(GateTest, StreamsUploadsOfThoseItKnows) {
  EXPECT_EQ(ask(as("good", post("/upload", std::string(100, 'x')))).body, "100");
  refused(post("/upload", "x"), 401, "M_MISSING_TOKEN");
  refused(as("good", post("/upload?refuse=1", "x")), 403, "M_FORBIDDEN");
  refused(as("good", post("/upload", std::string(101, 'x'))), 403, "M_FORBIDDEN");
  refused(as("good", post("/upload", std::string(1001, 'x'))), 413, "M_TOO_LARGE");
}

TEST_F(LimitedGateTest, LimitsWhoAsksTooOften) {
  int allowed = 0;
  while (allowed < 1000 && ask(get("/login")).status == 200) ++allowed;
  EXPECT_GE(allowed, 100);
  EXPECT_LT(allowed, 1000);
  const auto answer = refused(get("/login"), 429, "M_LIMIT_EXCEEDED");
  EXPECT_GT(json::Document::parse(answer.body)->root().get("retry_after_ms").int_or(0), 0);
  EXPECT_EQ(answer.headers.at("retry-after"), "1");
  EXPECT_EQ(ask(get("/open")).status, 200);
}

TEST(Gate, DescribesItsRoutes) {
  EXPECT_EQ(
      describe({made(Method::post, "/a/{b}", Auth::token, BodyKind::json_object, RateClass::send)}),
      R"([{"method":"POST","path":"/a/{b}","door":"client","auth":"token","rate":"send",)"
      R"("body":"json_object","body_limit":1000}])");
}

}  // namespace
}  // namespace gims::api
