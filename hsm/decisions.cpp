#include "hsm/decisions.hpp"

#include <utility>

namespace gims::hsm {

Decisions::Decisions(CLI::App& app) {
  proposals(app);
  leaf(app, "approvals", "Show what waits for a second person", run_approvals);
  leaf(app, "administrators", "Show who may approve, and with which key", run_administrators);
  CLI::App& approve =
      leaf(app, "approve", "Say yes to what was proposed; with the second yes it is done",
           [this](const Settings& settings) { return run_approve(settings, id_, means_); });
  approve.add_option("id", id_, "Its number, as 'approvals' shows it")->required();
  with_means(approve);
  CLI::App& withdraw =
      leaf(app, "withdraw", "Take a proposal back",
           [this](const Settings& settings) { return run_withdraw(settings, id_); });
  withdraw.add_option("id", id_, "Its number, as 'approvals' shows it")->required();
}

void Decisions::proposals(CLI::App& above) {
  CLI::App& propose = *above.add_subcommand("propose", "Propose what takes two administrators");
  propose.require_subcommand(1);
  propose.fallthrough();

  CLI::App& zeroize =
      leaf(propose, "zeroize", "Destroy the keys for good", [this](const Settings& settings) {
        return run_propose(settings, consent::to_zeroize(files_only_), means_);
      });
  zeroize.add_flag(
      "--files-only", files_only_,
      "Remove the files although the TPM that holds the keys does not destroy its part");

  CLI::App& reset =
      leaf(propose, "identity-reset", "Let an account have another encrypted identity",
           [this](const Settings& settings) {
             return run_propose(settings, consent::to_reset_identity(subject_), means_);
           });
  reset.add_option("user", subject_, "Its whole id: @desk.officer:gims.internal")->required();

  CLI::App& add =
      leaf(propose, "add-administrator", "Let somebody approve",
           [this](const Settings& settings) -> Result<> {
             GIMS_TRY_ASSIGN(const approval::Roles roles, roles_named(roles_));
             return run_propose_add(settings, {.text = subject_, .roles = roles}, domain_, means_);
           });
  add.add_option("administrator", subject_, "NAME=FILE, with their public key")->required();
  add.add_option("--domain", domain_, "What a FIDO2 credential is for; the server name otherwise");
  with_roles(add);

  CLI::App& remove = leaf(propose, "remove-administrator", "Let somebody approve no more",
                          [this](const Settings& settings) {
                            approval::Change change;
                            change.kind = approval::Change::Kind::remove;
                            change.name = subject_;
                            return run_propose_change(settings, change, means_);
                          });
  remove.add_option("name", subject_, "As 'administrators' shows it")->required();

  CLI::App& set_roles = leaf(propose, "set-roles", "Give an administrator other roles",
                             [this](const Settings& settings) -> Result<> {
                               approval::Change change;
                               change.kind = approval::Change::Kind::set_roles;
                               change.name = subject_;
                               GIMS_TRY_ASSIGN(change.roles, roles_named(roles_));
                               return run_propose_change(settings, change, means_);
                             });
  set_roles.add_option("name", subject_, "As 'administrators' shows it")->required();
  with_roles(set_roles);

  CLI::App& add_person =
      leaf(propose, "person-add", "Let somebody open the keys after each start",
           [this](const Settings& settings) {
             return run_propose(settings, consent::to_add_person(subject_), means_);
           });
  add_person.add_option("name", subject_, "The person's name")->required();

  CLI::App& remove_person =
      leaf(propose, "person-remove", "Let somebody open the keys no more",
           [this](const Settings& settings) {
             return run_propose(settings, consent::to_remove_person(subject_), means_);
           });
  remove_person.add_option("name", subject_, "As 'person list' shows it")->required();

  for (CLI::App* each :
       {&zeroize, &reset, &add, &remove, &set_roles, &add_person, &remove_person}) {
    with_means(*each);
  }
}

CLI::App& Decisions::leaf(CLI::App& above, const std::string& name, const std::string& about,
                          Run run) {
  CLI::App& made = *above.add_subcommand(name, about);
  made.fallthrough();
  made.callback([this, run = std::move(run)] { chosen_ = run; });
  return made;
}

void Decisions::with_means(CLI::App& command) {
  command.add_option("--as", means_.who, "Who you are: an administrator's name");
  CLI::Option* const key =
      command.add_option("--key", means_.key_file, "The file of your key, PEM");
  command
      .add_option("--assertion", means_.assertion_file,
                  "Instead: the assertion over the challenge that your WebAuthn client wrote, JSON")
      ->excludes(key);
}

void Decisions::with_roles(CLI::App& command) {
  command.add_option("--roles", roles_, "administrator, security-officer, auditor; with commas")
      ->capture_default_str();
}

void Decisions::name_administrators(CLI::App& ceremony) {
  ceremony.add_option("--administrator", administrators_,
                      "NAME=FILE, with their public key (PEM, or a WebAuthn registration); "
                      "repeatable: two at least who are this or the next");
  ceremony.add_option("--security-officer", security_officers_, "Likewise");
  ceremony.add_option("--auditor", auditors_, "Likewise; approves nothing");
  ceremony.add_option("--domain", domain_,
                      "What their FIDO2 credentials are for; the server name otherwise");
}

Result<Bytes> Decisions::named(const std::string& server_name) const {
  std::vector<NamedKey> all;
  const auto take = [&](const std::vector<std::string>& texts, approval::Role role) {
    for (const std::string& text : texts) all.push_back({.text = text, .roles = {role}});
  };
  take(administrators_, approval::Role::administrator);
  take(security_officers_, approval::Role::security_officer);
  take(auditors_, approval::Role::auditor);
  if (all.empty()) return Bytes();
  return list_of(all, domain_.empty() ? server_name : domain_);
}

}  // namespace gims::hsm
