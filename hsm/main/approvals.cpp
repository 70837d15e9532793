#include "hsm/main/approvals.hpp"

#include <algorithm>
#include <cstdio>
#include <string_view>
#include <utility>

#include "hsm/approval/key_file.hpp"
#include "hsm/approval/webauthn_file.hpp"
#include "hsm/core/administrators.hpp"
#include "hsm/main/commands.hpp"
#include "hsm/main/terminal.hpp"
#include "sys/atomic_file.hpp"

namespace gims::hsm {
namespace {

using approval::Administrator;

std::unexpected<Error> refused(const std::string& text) {
  return fail(ErrorKind::bad_input, "GIMS_KEYD_REQUEST", text);
}

void print(const std::string& text) { std::fputs(text.c_str(), stdout); }

Result<SecretBytes> ask_passphrase() {
  GIMS_TRY_ASSIGN(
      const Terminal terminal,
      Terminal::open(
          "The key's file has a passphrase, and there is no terminal to ask for it at."));
  return terminal.read_hidden("Passphrase of the key: ");
}

// What the file says of the key, into `one`.
Result<> read_key(const std::string& file, const std::string& domain, Administrator& one) {
  const auto bytes = sys::read_file(file, approval::max_webauthn_file);
  if (!bytes) return refused(file + " cannot be read (" + bytes.error().code + ").");
  const std::string_view text(reinterpret_cast<const char*>(bytes->data()), bytes->size());
  if (text.contains("-----BEGIN ")) {
    auto key = approval::public_key_of_pem(text);
    if (!key) return refused(file + ": " + key.error().text);
    one.kind = key->kind;
    one.public_key = std::move(key->bytes);
    return {};
  }
  auto credential = approval::credential_of_json(text);
  if (!credential) return refused(file + ": " + credential.error().text);
  one.kind = credential->key.kind;
  one.public_key = std::move(credential->key.bytes);
  one.credential_id = std::move(credential->id);
  one.rp_id = domain;
  return {};
}

}  // namespace

Result<approval::Roles> roles_named(const std::string& text) {
  approval::Roles roles;
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::string_view word = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(word.size() + 1, rest.size()));
    approval::Roles named;
    if (word == "administrator") named = {approval::Role::administrator};
    if (word == "security-officer") named = {approval::Role::security_officer};
    if (word == "auditor") named = {approval::Role::auditor};
    if (named.bits == 0) {
      return refused("A role is administrator, security-officer or auditor; several with commas.");
    }
    roles.bits = static_cast<std::uint8_t>(roles.bits | static_cast<unsigned>(named.bits));
  }
  if (roles.bits == 0) return refused("An administrator has one of the roles at least.");
  return roles;
}

Result<Administrator> administrator_of(const NamedKey& named, const std::string& domain) {
  const std::size_t split = named.text.find('=');
  if (split == std::string::npos || split == 0 || split + 1 == named.text.size()) {
    return refused("\"" + named.text + "\" must be a name, \"=\" and the file of a public key.");
  }
  Administrator one;
  one.name = named.text.substr(0, split);
  one.roles = named.roles;
  GIMS_TRY(read_key(named.text.substr(split + 1), domain, one));
  if (const auto good = approval::check(one); !good) {
    return refused("\"" + named.text + "\": " + good.error().text);
  }
  return one;
}

Result<Bytes> list_of(const std::vector<NamedKey>& named, const std::string& domain) {
  approval::Registry registry;
  for (const NamedKey& each : named) {
    GIMS_TRY_ASSIGN(Administrator one, administrator_of(each, domain));
    if (const auto added = registry.add(std::move(one)); !added) {
      return refused("\"" + each.text + "\": " + added.error().text);
    }
  }
  return list_of(registry);
}

Result<> run_propose(const Settings& settings, const ProposeRequest& request,
                     const consent::Means& means) {
  GIMS_TRY_ASSIGN(const auto keyd, running(settings));
  GIMS_TRY_ASSIGN(const consent::Said said,
                  consent::start_or_complete(*keyd, request, means, ask_passphrase));
  print(consent::describe(said));
  return {};
}

Result<> run_propose_change(const Settings& settings, const approval::Change& change,
                            const consent::Means& means) {
  Bytes room(max_action_body);
  Writer writer(room);
  encode(writer, change);
  return run_propose(
      settings,
      {.action = Action::administrators, .body = {writer.body().begin(), writer.body().end()}},
      means);
}

Result<> run_propose_add(const Settings& settings, const NamedKey& named, std::string domain,
                         const consent::Means& means) {
  if (domain.empty()) {
    GIMS_TRY_ASSIGN(const auto keyd, running(settings));
    GIMS_TRY_ASSIGN(StatusReply status, keyd->status());
    domain = std::move(status.server_name);
  }
  approval::Change change{
      .kind = approval::Change::Kind::add, .added = {}, .name = {}, .roles = {}};
  GIMS_TRY_ASSIGN(change.added, administrator_of(named, domain));
  return run_propose_change(settings, change, means);
}

Result<> run_approve(const Settings& settings, std::uint32_t id, const consent::Means& means) {
  GIMS_TRY_ASSIGN(const auto keyd, running(settings));
  consent::Said said;
  GIMS_TRY_ASSIGN(said.proposal, consent::proposal_of(*keyd, id));
  GIMS_TRY_ASSIGN(said.yes, consent::approve(*keyd, said.proposal, means, ask_passphrase));
  print(consent::describe(said));
  return {};
}

Result<> run_withdraw(const Settings& settings, std::uint32_t id) {
  GIMS_TRY_ASSIGN(const auto keyd, running(settings));
  GIMS_TRY(keyd->withdraw({.id = id}));
  print("Withdrawn.\n");
  return {};
}

Result<> run_approvals(const Settings& settings) {
  GIMS_TRY_ASSIGN(const auto keyd, running(settings));
  GIMS_TRY_ASSIGN(const std::vector<ProposalReply> proposals, keyd->proposals());
  for (const ProposalReply& proposal : proposals) print(consent::describe(proposal));
  if (proposals.empty()) print("Nothing waits for a second person.\n");
  return {};
}

Result<> run_administrators(const Settings& settings) {
  GIMS_TRY_ASSIGN(const auto keyd, running(settings));
  GIMS_TRY_ASSIGN(const AdministratorsReply reply, keyd->administrators());
  GIMS_TRY_ASSIGN(const approval::Registry registry, approval::decode_registry(reply.list));
  for (const Administrator& one : registry.all()) print(approval::describe(one) + "\n");
  return {};
}

}  // namespace gims::hsm
