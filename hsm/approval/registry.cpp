#include "hsm/approval/registry.hpp"

#include <algorithm>

namespace gims::hsm::approval {

std::unexpected<Error> unknown_administrator() {
  return fail(ErrorKind::not_found, "GIMS_APPROVAL_UNKNOWN",
              "There is no administrator of this name.");
}

Result<> Registry::add(Administrator administrator) {
  GIMS_TRY(check(administrator));
  const auto taken = [&](const Administrator& other) {
    return other.name == administrator.name || other.public_key == administrator.public_key ||
           (!other.credential_id.empty() && other.credential_id == administrator.credential_id);
  };
  if (std::ranges::any_of(administrators_, taken)) {
    return fail(ErrorKind::conflict, "GIMS_APPROVAL_TAKEN",
                "There is an administrator of this name, or with this key.");
  }
  if (administrators_.size() == max_administrators) {
    return fail(ErrorKind::conflict, "GIMS_APPROVAL_FULL", "There are 16 administrators already.");
  }
  administrators_.push_back(std::move(administrator));
  return {};
}

Result<Administrator*> Registry::known(std::string_view name) {
  const auto found = std::ranges::find(administrators_, name, &Administrator::name);
  if (found == administrators_.end()) return unknown_administrator();
  return &*found;
}

Result<> Registry::remove(std::string_view name) {
  GIMS_TRY_ASSIGN(const Administrator* const one, known(name));
  administrators_.erase(administrators_.begin() + (one - administrators_.data()));
  return {};
}

Result<> Registry::set_roles(std::string_view name, Roles roles) {
  GIMS_TRY_ASSIGN(Administrator* const one, known(name));
  Administrator changed = *one;
  changed.roles = roles;
  GIMS_TRY(check(changed));
  *one = std::move(changed);
  return {};
}

const Administrator* Registry::find(std::string_view name) const {
  const auto found = std::ranges::find(administrators_, name, &Administrator::name);
  return found == administrators_.end() ? nullptr : &*found;
}

Result<> Registry::verify(const Challenge& challenge, const Assertion& assertion) {
  GIMS_TRY_ASSIGN(Administrator* const one, known(assertion.who));
  GIMS_TRY_ASSIGN(one->sign_count, approval::verify(*one, challenge, assertion));
  return {};
}

void encode(Writer& writer, const Registry& value) {
  writer.u8(static_cast<std::uint8_t>(value.all().size()));
  for (const Administrator& one : value.all()) encode(writer, one);
}

Result<Registry> decode_registry(BytesView body) {
  Reader reader(body);
  Registry registry;
  const std::uint8_t count = reader.u8();
  for (std::size_t i = 0; i < count && reader.good(); ++i) {
    if (!registry.add(read_administrator(reader))) reader.refuse();
  }
  if (!reader.finish()) {
    return fail(ErrorKind::bad_input, "GIMS_KEYD_FRAME", "This is no list of administrators.");
  }
  return registry;
}

}  // namespace gims::hsm::approval
