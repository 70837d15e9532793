// Identifiers of Matrix: the parts of one that is taken are the whole of it.
#include "matrix/ids.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/check.hpp"
#include "base/utf8.hpp"

namespace {

using namespace gims::matrix;  // NOLINT(google-build-using-namespace)

void check(std::string_view text, char sigil, const std::optional<IdParts>& parts) {
  if (!parts) return;
  GIMS_CHECK(text.size() <= max_id_bytes && gims::is_utf8(text) && !text.contains('\0'));
  std::string joined(1, sigil);
  joined.append(parts->localpart);
  if (!parts->domain.empty()) {
    GIMS_CHECK(is_server_name(parts->domain));
    joined.append(":").append(parts->domain);
  }
  GIMS_CHECK(joined == text);
  GIMS_CHECK(domain_of(text) == parts->domain);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto user = parse_user_id(text);
  const auto strict = parse_user_id(text, UserIdGrammar::strict);
  GIMS_CHECK(!strict || user);
  check(text, '@', user);
  check(text, '@', strict);
  check(text, '!', parse_room_id(text));
  check(text, '#', parse_room_alias(text));
  check(text, '$', parse_event_id(text));
  GIMS_CHECK(require_user_id(text, "user_id").has_value() == user.has_value());
  if (is_new_localpart(text)) {
    const std::string id = "@" + std::string(text) + ":gims.internal";
    GIMS_CHECK(id.size() > max_id_bytes || parse_user_id(id, UserIdGrammar::strict));
  }
  if (const auto key = parse_key_id(text); key) {
    GIMS_CHECK(std::string(key->algorithm).append(":").append(key->name) == text);
  }
  if (is_opaque_id(text)) GIMS_CHECK(!text.empty() && text.size() <= max_id_bytes);
  return 0;
}
