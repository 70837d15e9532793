#include "hsm/approval/client_data.hpp"

#include <sodium.h>

#include <charconv>

namespace gims::hsm::approval {
namespace {

std::unexpected<Error> refused(std::string_view text) {
  return fail(ErrorKind::forbidden, "GIMS_APPROVAL_ASSERTION", text);
}

bool take(std::string_view& rest, std::string_view expected) {
  if (!rest.starts_with(expected)) return false;
  rest.remove_prefix(expected.size());
  return true;
}

// Nothing, or ":" and 1 to 65535 as everybody writes it.
bool take_port(std::string_view& rest) {
  if (!take(rest, ":")) return true;
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), port);
  const bool good = error == std::errc() && port != 0 && rest.front() != '0';
  rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
  return good;
}

}  // namespace

std::string base64url(const Challenge& challenge) {
  constexpr int variant = sodium_base64_VARIANT_URLSAFE_NO_PADDING;
  std::string text(sodium_base64_ENCODED_LEN(challenge.size(), variant), '\0');
  sodium_bin2base64(text.data(), text.size(), challenge.data(), challenge.size(), variant);
  text.pop_back();  // the zero at the end
  return text;
}

Result<> check_client_data(std::string_view json, const Challenge& challenge,
                           std::string_view rp_id, ClientAct act) {
  std::string_view rest = json;
  if (act == ClientAct::assertion && !take(rest, R"({"type":"webauthn.get","challenge":")")) {
    return refused("The client data is not that of an assertion.");
  }
  if (act == ClientAct::registration && !take(rest, R"({"type":"webauthn.create","challenge":")")) {
    return refused("The client data is not that of a registration.");
  }
  if (!take(rest, base64url(challenge)) || !take(rest, R"(","origin":")")) {
    return refused("The assertion is over another challenge.");
  }
  if (!take(rest, "https://") || !take(rest, rp_id) || !take_port(rest) || !take(rest, "\"")) {
    return refused("The assertion was made for another origin.");
  }
  if (!take(rest, R"(,"crossOrigin":false)")) {
    return refused("The assertion was made within a page of another origin.");
  }
  if (rest == "}" || (rest.starts_with(',') && rest.ends_with('}'))) return {};
  return refused("The client data does not end as it should.");
}

}  // namespace gims::hsm::approval
