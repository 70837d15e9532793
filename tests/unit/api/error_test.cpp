#include "api/error.hpp"

#include <gtest/gtest.h>

#include "json/value.hpp"

namespace gims::api {
namespace {

json::Document body_of(const http::Response& response) {
  const auto* text = std::get_if<std::string>(&response.body);
  EXPECT_NE(text, nullptr);
  auto document = json::Document::parse(text == nullptr ? "{}" : *text);
  EXPECT_TRUE(document);
  return document ? std::move(*document) : json::Document();
}

// Spec: client-server API, "User-interactive authentication", "API overview": the flows alone, and
// an error beside them only when a stage was tried and failed.
TEST(RenderError, AuthenticationThatIsOnlyAskedForIsNoError) {
  Error asked{.kind = ErrorKind::unauthenticated,
              .code = {},
              .text = {},
              .detail = {},
              .retry_after = std::nullopt,
              .extra_json = R"("flows":[],"session":"s")"};
  const auto first = body_of(render_error(asked));
  EXPECT_EQ(render_error(asked).status, 401);
  EXPECT_EQ(first.root().size(), 2U) << first.root().to_text();
  EXPECT_EQ(first.root().get("session").as_string(), "s");
  EXPECT_TRUE(first.root().get("flows").is_array());

  asked.code = "M_FORBIDDEN";
  asked.text = "The password is not right.";
  const auto second = body_of(render_error(asked));
  EXPECT_EQ(second.root().get("errcode").as_string(), "M_FORBIDDEN");
  EXPECT_EQ(second.root().get("error").as_string(), "The password is not right.");
  EXPECT_EQ(second.root().get("session").as_string(), "s");
}

TEST(RenderError, EveryOtherErrorHasACodeAndAText) {
  for (const ErrorKind kind :
       {ErrorKind::bad_input, ErrorKind::unauthenticated, ErrorKind::internal}) {
    Error plain;
    plain.kind = kind;
    const auto body = body_of(render_error(plain));
    EXPECT_EQ(body.root().get("errcode").as_string(), "M_UNKNOWN");
    EXPECT_FALSE(body.root().get("error").string_or("").empty());
  }
}

}  // namespace
}  // namespace gims::api
