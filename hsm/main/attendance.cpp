#include "hsm/main/attendance.hpp"

#include <algorithm>
#include <cstdio>
#include <utility>
#include <vector>

#include "hsm/consent/consent.hpp"
#include "hsm/factor/passphrase.hpp"
#include "hsm/factor/security_key.hpp"
#include "hsm/main/commands.hpp"
#include "hsm/main/terminal.hpp"

namespace gims::hsm {
namespace {

constexpr std::string_view no_terminal =
    "There is no terminal to type a passphrase at: it is taken from nowhere else.";

std::unexpected<Error> refused(const std::string& text) {
  return fail(ErrorKind::bad_input, "GIMS_KEYD_REQUEST", text);
}

std::string names_of(const std::vector<Person>& persons) {
  std::string names;
  for (const Person& person : persons) names += (names.empty() ? "" : ", ") + person.name;
  return names;
}

Result<Person> chosen(const std::vector<Person>& persons, const std::string& name) {
  if (name.empty() && persons.size() == 1) return persons.front();
  const auto found = std::ranges::find(persons, name, &Person::name);
  if (found != persons.end()) return *found;
  return refused("Say by --person who is there: " + names_of(persons) + ".");
}

Result<SecretBytes> pin_for(const factor::SecurityKey& key, const Terminal& terminal) {
  if (!key.has_pin()) return SecretBytes();
  return terminal.read_hidden("PIN of the security key: ");
}

Result<> ask_to_touch(const Terminal& terminal) {
  return terminal.write("Touch the security key when it blinks.\n");
}

// The key that a person has enrolled.
Result<SecretBytes> key_of(const Person& person, const Terminal& terminal) {
  if (person.kind == FactorKind::passphrase) {
    GIMS_TRY_ASSIGN(const auto parameters, factor::decode_passphrase(person.parameters));
    GIMS_TRY_ASSIGN(const SecretBytes typed,
                    terminal.read_hidden("Passphrase of " + person.name + ": "));
    return factor::passphrase_key(typed, parameters);
  }
  GIMS_TRY_ASSIGN(const auto parameters, factor::decode_fido2(person.parameters));
  GIMS_TRY_ASSIGN(const auto key, factor::SecurityKey::plugged_in());
  SecretBytes pin;
  if (parameters.with_pin) {
    GIMS_TRY_ASSIGN(pin, pin_for(key, terminal));
  }
  GIMS_TRY(ask_to_touch(terminal));
  return key.key(parameters, pin);
}

// Before somebody types: gims-keyd itself asks for it at the end.
Result<> check_approved(Client& keyd, const std::string& name, std::uint32_t approval) {
  GIMS_TRY_ASSIGN(const ProposalReply proposal, consent::proposal_of(keyd, approval));
  const ProposeRequest wanted = consent::to_add_person(name);
  if (proposal.action != wanted.action || proposal.body != wanted.body) {
    return refused("This number is of another proposal: it would " + proposal.text + ".");
  }
  if (proposal.approved_by.size() < needed_persons) {
    return refused("Two administrators have to approve it first (gims-keyd approve " +
                   std::to_string(approval) + ").");
  }
  return {};
}

Result<AddPersonRequest> with_new_passphrase(const std::string& name, const Terminal& terminal) {
  GIMS_TRY_ASSIGN(const SecretBytes typed,
                  terminal.read_hidden("New passphrase of " + name + ": "));
  GIMS_TRY(factor::check_new_passphrase(typed));
  GIMS_TRY_ASSIGN(const SecretBytes again, terminal.read_hidden("Once more: "));
  if (!equal_in_constant_time(typed.bytes(), again.bytes())) {
    return refused("These are two passphrases: nothing was changed.");
  }
  GIMS_TRY_ASSIGN(const auto parameters, factor::new_passphrase_parameters());
  AddPersonRequest request{.approval = 0,
                           .person = {.name = name,
                                      .kind = FactorKind::passphrase,
                                      .parameters = factor::encode(parameters)},
                           .key = {}};
  GIMS_TRY_ASSIGN(request.key, factor::passphrase_key(typed, parameters));
  return request;
}

Result<AddPersonRequest> with_security_key(const std::string& name, const Terminal& terminal) {
  GIMS_TRY_ASSIGN(const auto key, factor::SecurityKey::plugged_in());
  GIMS_TRY_ASSIGN(const SecretBytes pin, pin_for(key, terminal));
  GIMS_TRY(ask_to_touch(terminal));
  GIMS_TRY_ASSIGN(const auto parameters, key.enrol(name, pin));
  GIMS_TRY(terminal.write("Once more.\n"));
  AddPersonRequest request{
      .approval = 0,
      .person = {.name = name, .kind = FactorKind::fido2, .parameters = factor::encode(parameters)},
      .key = {}};
  GIMS_TRY_ASSIGN(request.key, key.key(parameters, pin));
  return request;
}

}  // namespace

Result<> run_unlock(const Settings& settings, const std::string& name) {
  GIMS_TRY_ASSIGN(const auto client, running(settings));
  // Where the file cannot be read, unlocking says why.
  const auto reply = client->persons();
  if (!reply || reply->persons.empty()) {
    GIMS_TRY(client->unlock());
  } else {
    GIMS_TRY_ASSIGN(const StatusReply status, client->status());
    if (status.state != State::locked) return client->unlock();
    GIMS_TRY_ASSIGN(const Person person, chosen(reply->persons, name));
    GIMS_TRY_ASSIGN(const Terminal terminal, Terminal::open(no_terminal));
    PersonKey given{.name = person.name, .key = {}};
    GIMS_TRY_ASSIGN(given.key, key_of(person, terminal));
    GIMS_TRY(client->unlock_with(given));
  }
  std::printf("Unlocked.\n");
  return {};
}

Result<> run_persons(const Settings& settings) {
  GIMS_TRY_ASSIGN(const auto client, running(settings));
  GIMS_TRY_ASSIGN(const PersonsReply reply, client->persons());
  if (reply.persons.empty()) std::printf("The keys open without a person.\n");
  for (const Person& person : reply.persons) {
    std::printf("%s: %s\n", person.name.c_str(),
                person.kind == FactorKind::passphrase ? "passphrase" : "security key");
  }
  return {};
}

Result<> run_add_person(const Settings& settings, const std::string& name, FactorKind kind,
                        std::uint32_t approval) {
  GIMS_TRY_ASSIGN(const auto client, running(settings));
  GIMS_TRY_ASSIGN(const PersonsReply reply, client->persons());
  if (std::ranges::contains(reply.persons, name, &Person::name)) {
    return refused("There is a person of this name already.");
  }
  GIMS_TRY(check_approved(*client, name, approval));
  GIMS_TRY_ASSIGN(const Terminal terminal, Terminal::open(no_terminal));
  GIMS_TRY_ASSIGN(AddPersonRequest request, kind == FactorKind::passphrase
                                                ? with_new_passphrase(name, terminal)
                                                : with_security_key(name, terminal));
  request.approval = approval;
  GIMS_TRY(client->add_person(request));
  std::printf("Added. From its next start on, the site waits for %s.\n",
              reply.persons.empty() ? name.c_str() : "one of the persons");
  return {};
}

}  // namespace gims::hsm
