#include "hsm/approval/action.hpp"

#include <string>
#include <string_view>

#include "hsm/proto/attendance_messages.hpp"

namespace gims::hsm::approval {
namespace {

std::unexpected<Error> refused(std::string_view text) {
  return fail(ErrorKind::bad_input, "GIMS_KEYD_REQUEST", text);
}

// "@localpart:server" without blanks or control characters; whether there is such an account is
// gimsd's to know.
Result<std::string> user_id_of(BytesView body) {
  const std::string_view id(reinterpret_cast<const char*>(body.data()), body.size());
  const bool printable = id.find_first_not_of(
                             "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                             "@:._=-/+[]") == std::string_view::npos;
  if (id.size() > max_user_id || !id.starts_with('@') || !id.contains(':') || !printable) {
    return refused("An identity is reset by a whole user id: @desk.officer:gims.internal.");
  }
  return std::string(id);
}

Result<std::string> person_of(BytesView body) {
  static_assert(max_person_name == max_name);
  std::string name(body.begin(), body.end());
  if (!is_name(name)) {
    return refused("A person's name has 1 to " + std::to_string(max_name) +
                   " bytes of UTF-8, without control characters.");
  }
  return name;
}

}  // namespace

Result<std::string> describe(Action action, BytesView body, const Registry& registry) {
  switch (action) {
    case Action::zeroize: {
      GIMS_TRY_ASSIGN(const ZeroizeRequest request, decode_zeroize_request(body));
      return request.files_only
                 ? std::string(
                       "destroy all keys of this site for good, and its files also where the "
                       "hardware that holds the keys does not do its part")
                 : std::string("destroy all keys of this site for good");
    }
    case Action::administrators: {
      GIMS_TRY_ASSIGN(const Change change, decode_change(body));
      GIMS_TRY(changed(registry, change));
      return describe(change);
    }
    case Action::identity_reset: {
      GIMS_TRY_ASSIGN(const std::string id, user_id_of(body));
      return "let " + id + " replace its encrypted identity";
    }
    case Action::add_person: {
      GIMS_TRY_ASSIGN(const std::string name, person_of(body));
      return "let " + name + " open the keys after a start";
    }
    case Action::remove_person: {
      GIMS_TRY_ASSIGN(const std::string name, person_of(body));
      return "let " + name + " open the keys no more";
    }
    case Action::backup_export:
      break;
  }
  return refused("Backups cannot be exported yet.");
}

DoneBy done_by(Action action) noexcept {
  if (action == Action::identity_reset) return DoneBy::gimsd;
  return action == Action::add_person ? DoneBy::administrator : DoneBy::us;
}

}  // namespace gims::hsm::approval
