// The body of POST /login, before anybody is known.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "api/client/signed_in.hpp"
#include "base/check.hpp"
#include "json/value.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto document = gims::json::Document::parse({reinterpret_cast<const char*>(data), size});
  if (!document) return 0;
  const auto request = gims::api::client::decode_login(document->root());
  if (!request) {
    GIMS_CHECK(request.error().kind == gims::ErrorKind::bad_input);
    return 0;
  }
  GIMS_CHECK(document->root().get("type").string_or("") == "m.login.password");
  GIMS_CHECK(request->password.reveal() == document->root().get("password").string_or(""));
  return 0;
}
