#include "hsm/approval/change.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "hsm/ca/hex.hpp"
#include "hsm/ca/sha256.hpp"

namespace gims::hsm::approval {
namespace {

constexpr std::size_t shown_of_key = 8;  // bytes of its hash
constexpr std::uint8_t last_kind = 3;

constexpr std::array<std::pair<Role, std::string_view>, 3> role_names{{
    {Role::administrator, "administrator"},
    {Role::security_officer, "security officer"},
    {Role::auditor, "auditor"},
}};

}  // namespace

void encode(Writer& writer, const Change& value) {
  writer.u8(static_cast<std::uint8_t>(value.kind));
  if (value.kind == Change::Kind::add) return encode(writer, value.added);
  writer.text(value.name);
  if (value.kind == Change::Kind::set_roles) writer.u8(value.roles.bits);
}

Result<Change> decode_change(BytesView body) {
  Reader reader(body);
  Change change;
  const std::uint8_t kind = reader.u8();
  if (kind < 1 || kind > last_kind) reader.refuse();
  change.kind = static_cast<Change::Kind>(kind);
  if (change.kind == Change::Kind::add) {
    change.added = read_administrator(reader);
  } else {
    change.name = reader.text(max_name);
    if (change.kind == Change::Kind::set_roles) change.roles.bits = reader.u8();
  }
  if (!reader.finish()) {
    return fail(ErrorKind::bad_input, "GIMS_KEYD_FRAME", "This is no change of administrators.");
  }
  return change;
}

Result<> check_enough(const Registry& registry) {
  const auto can = std::ranges::count_if(
      registry.all(), [](const Administrator& one) { return one.roles.any_of(approvers); });
  if (std::cmp_greater_equal(can, needed_persons)) return {};
  return fail(ErrorKind::conflict, "GIMS_APPROVAL_FEW",
              "A site has at least two administrators or security officers: one alone can approve "
              "nothing.");
}

Result<Registry> changed(const Registry& before, const Change& change) {
  Registry after = before;
  switch (change.kind) {
    case Change::Kind::add:
      GIMS_TRY(after.add(change.added));
      break;
    case Change::Kind::remove:
      GIMS_TRY(after.remove(change.name));
      break;
    case Change::Kind::set_roles:
      GIMS_TRY(after.set_roles(change.name, change.roles));
      break;
  }
  GIMS_TRY(check_enough(after));
  return after;
}

std::string describe(Roles roles) {
  std::string text;
  for (const auto& [role, name] : role_names) {
    if (!roles.any_of({role})) continue;
    if (!text.empty()) text += " and ";
    text += name;
  }
  return text.empty() ? "no role" : text;
}

std::string fingerprint(const Administrator& one) {
  return hex(BytesView(sha256({one.public_key})).first(shown_of_key));
}

std::string describe(const Administrator& one) {
  return one.name + " (" + describe(one.roles) + "), with the " +
         (is_es256(one.kind) ? "P-256" : "Ed25519") + " key " + fingerprint(one) +
         (is_webauthn(one.kind) ? " of a FIDO2 authenticator for " + one.rp_id : " of a file");
}

std::string describe(const Change& change) {
  switch (change.kind) {
    case Change::Kind::add:
      return "add " + describe(change.added);
    case Change::Kind::remove:
      return "remove " + change.name;
    case Change::Kind::set_roles:
      return "make " + change.name + " " + describe(change.roles);
  }
  return {};
}

}  // namespace gims::hsm::approval
