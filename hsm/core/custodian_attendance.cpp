// The persons without whom an attended site does not open.
#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include "base/check.hpp"
#include "base/log.hpp"
#include "hsm/core/custodian.hpp"

namespace gims::hsm {
namespace {

constexpr unsigned free_tries = 3;
constexpr std::chrono::seconds first_pause{60};
constexpr std::chrono::seconds last_pause{900};

}  // namespace

Result<Attendance*> Custodian::attendance() const {
  if (Attendance* attendance = vault_->attendance()) return attendance;
  return fail(ErrorKind::conflict, "GIMS_KEYD_CUSTODY", "Nobody can be needed to open this vault.");
}

Result<PersonsReply> Custodian::persons() const {
  GIMS_CHECK(state_ == State::locked || state_ == State::operational);
  GIMS_TRY_ASSIGN(Attendance* const attendance, this->attendance());
  PersonsReply reply;
  if (state_ == State::operational) {
    GIMS_TRY_ASSIGN(reply.persons, attendance->persons(open().record.vault_blob));
    return reply;
  }
  // As the file says, which nothing has checked yet: it is for whoever is asked for a passphrase.
  GIMS_TRY_ASSIGN(const std::optional<Bytes> file, folder_.read(StateFolder::custody));
  if (!file) return reply;
  GIMS_TRY_ASSIGN(const CustodyRecord record, decode_custody(*file));
  GIMS_TRY_ASSIGN(reply.persons, attendance->persons(record.vault_blob));
  return reply;
}

Result<> Custodian::unlock_with(PersonKey key) {
  GIMS_TRY_ASSIGN(Attendance* const attendance, this->attendance());
  const auto pause = next_key_ - clock_.steady();
  if (wrong_keys_ >= free_tries && pause > pause.zero()) {
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(pause).count();
    return fail(ErrorKind::rate_limited, "GIMS_KEYD_CUSTODY",
                "Too many wrong passphrases or keys were given: the next one is taken in " +
                    std::to_string(seconds) + " s.");
  }
  attendance->give(std::move(key));
  return unlock();
}

void Custodian::note_wrong_key() {
  ++wrong_keys_;
  if (wrong_keys_ < free_tries) return;
  std::chrono::seconds pause = first_pause;
  for (unsigned i = free_tries; i < wrong_keys_ && pause < last_pause; ++i) pause *= 2;
  next_key_ = clock_.steady() + std::min(pause, last_pause);
}

Result<> Custodian::add_attendant(AddPersonRequest request) {
  GIMS_TRY_ASSIGN(Attendance* const attendance, this->attendance());
  const std::string name = request.person.name;
  GIMS_TRY_ASSIGN(Bytes blob, attendance->add(open().record.vault_blob, std::move(request.person),
                                              request.key));
  GIMS_TRY(write_blob(std::move(blob)));
  log::notice(log::id::persons_changed, "a person was added who can open the keys",
              {{"PERSON", name}});
  return {};
}

Result<> Custodian::remove_attendant(const std::string& name) {
  GIMS_TRY_ASSIGN(Attendance* const attendance, this->attendance());
  GIMS_TRY_ASSIGN(Bytes blob, attendance->remove(open().record.vault_blob, name));
  GIMS_TRY(write_blob(std::move(blob)));
  log::notice(log::id::persons_changed, "a person was removed who could open the keys",
              {{"PERSON", name}});
  return {};
}

Result<> Custodian::write_blob(Bytes blob) {
  Open& keys = open();
  CustodyRecord next = keys.record;
  next.vault_blob = std::move(blob);
  ++next.number;
  GIMS_TRY(write_custody(next, keys.root_key));
  keys.record = std::move(next);
  return keys.freshness->note_custody(backing(keys));
}

}  // namespace gims::hsm
