// What a client and an administrator hear of what the unit states about itself.
#include "api/client/attestation.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <utility>

#include "api/admin/admin.hpp"
#include "api/gate.hpp"
#include "json/value.hpp"
#include "support/manual_clock.hpp"
#include "unit/http/client.hpp"
#include "unit/http/site.hpp"

namespace gims::api {
namespace {

using http::test::Answer;

const std::string nonce(64, 'a');
const std::string other_nonce(64, 'b');

class NobodyAuthenticator final : public Authenticator {
 public:
  [[nodiscard]] Result<Caller> authenticate(std::string_view, Auth, const http::Request&) override {
    return fail(ErrorKind::unauthenticated, "M_UNKNOWN_TOKEN", "Nobody signs in here.");
  }
};

class FakeSource final : public service::AttestationSource {
 public:
  [[nodiscard]] Result<std::string> attest(const service::AttestationNonce& asked) override {
    if (locked) {
      return fail(ErrorKind::unavailable, "GIMS_KEYD_STATE", "locked: PCR 7 differs");
    }
    return R"({"first":)" + std::to_string(asked[0]) + "}";
  }
  void cancel() noexcept override {}
  std::atomic<bool> locked = false;
};

class AttestationApi : public ::testing::Test {
 protected:
  explicit AttestationApi(bool limits = false, bool hardware = true)
      : attestation(hardware ? &source : nullptr, clock),
        gate({.rate_limits = limits, .admin_uids = {}}, authenticator, clock),
        server(gate.routes(all_routes())) {}
  ~AttestationApi() override {
    attestation.stop();
    server.destroy();
  }
  Routes all_routes() {
    Routes all = client::attestation_routes(attestation);
    for (Route& route : admin::attestation_routes(attestation)) all.push_back(std::move(route));
    return all;
  }
  Answer ask(const std::string& request,
             http::Peer peer = {
                 .address = "192.0.2.7", .door = http::Door::client, .uid = std::nullopt}) {
    auto client = server.connect(std::move(peer));
    auto answer = client.ask(request);
    EXPECT_TRUE(answer) << request;
    return answer.value_or(Answer{});
  }
  Answer get(const std::string& query) {
    return ask("GET /_gims/attestation" + query + " HTTP/1.1\r\nHost: gims.internal\r\n\r\n");
  }
  Answer post(const std::string& body, std::uint32_t uid = 0) {
    return ask("POST /_gims/admin/v1/attestation HTTP/1.1\r\nHost: gimsd\r\nContent-Length: " +
                   std::to_string(body.size()) + "\r\n\r\n" + body,
               {.address = "", .door = http::Door::admin, .uid = uid});
  }
  static std::string code(const Answer& answer) {
    const auto parsed = json::Document::parse(answer.body);
    return parsed ? std::string(parsed->root().get("errcode").string_or("")) : answer.body;
  }

  FakeSource source;
  test::ManualClock clock;
  service::Attestation attestation;
  NobodyAuthenticator authenticator;
  Gate gate;
  http::test::Site server;
};

TEST_F(AttestationApi, IsForAnybodyWithANonce) {
  const Answer answer = get("?nonce=" + nonce);
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.body, R"({"first":170})");
  EXPECT_EQ(answer.headers.at("content-type"), "application/json");
  EXPECT_EQ(answer.headers.at("cache-control"), "no-store");
}

TEST_F(AttestationApi, ANonceThatIsNoneIsRefused) {
  for (const std::string& query : {std::string(), std::string("?nonce="), "?nonce=" + nonce + "aa",
                                   "?nonce=" + std::string(64, 'g')}) {
    const Answer answer = get(query);
    EXPECT_EQ(answer.status, 400) << query;
    EXPECT_EQ(code(answer), "M_INVALID_PARAM") << query;
  }
}

TEST_F(AttestationApi, StrangersAreNotToldWhatAilsTheUnit) {
  source.locked = true;
  const Answer answer = get("?nonce=" + nonce);
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(code(answer), "M_UNKNOWN");
  EXPECT_EQ(answer.body.find("PCR"), std::string::npos) << answer.body;
  const Answer told = post(R"({"nonce":")" + nonce + R"("})");
  EXPECT_EQ(told.status, 503);
  EXPECT_NE(told.body.find("PCR 7 differs"), std::string::npos) << told.body;
}

TEST_F(AttestationApi, AdministratorsAskOverTheirSocket) {
  EXPECT_EQ(post(R"({"nonce":")" + nonce + R"("})").body, R"({"first":170})");
  EXPECT_EQ(code(post(R"({"nonce":"aa"})")), "M_INVALID_PARAM");
  EXPECT_EQ(code(post("{}")), "M_MISSING_PARAM");
  EXPECT_EQ(post(R"({"nonce":")" + nonce + R"("})", 4711).status, 403);
}

class LimitedAttestationApi : public AttestationApi {
 protected:
  LimitedAttestationApi() : AttestationApi(true) {}
};

TEST_F(LimitedAttestationApi, AnAddressAsksTwiceAndThenSeldom) {
  EXPECT_EQ(get("?nonce=" + nonce).status, 200);
  EXPECT_EQ(get("?nonce=" + other_nonce).status, 200);
  const Answer refused = get("?nonce=" + nonce);
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(refused.headers.at("retry-after"), "30");
  clock.advance(30'000);
  EXPECT_EQ(get("?nonce=" + nonce).status, 200);
  EXPECT_EQ(get("?nonce=" + nonce).status, 429);
}

class AttestationApiWithoutHardware : public AttestationApi {
 protected:
  AttestationApiWithoutHardware() : AttestationApi(false, false) {}
};

TEST_F(AttestationApiWithoutHardware, FindsNothing) {
  for (const Answer& answer : {get(""), get("?nonce=" + nonce)}) {
    EXPECT_EQ(answer.status, 404);
    EXPECT_EQ(code(answer), "M_NOT_FOUND");
  }
}

}  // namespace
}  // namespace gims::api
