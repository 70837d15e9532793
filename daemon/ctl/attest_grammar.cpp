#include "ctl/attest_grammar.hpp"

#include <string>
#include <utility>

namespace gims::ctl {
AttestGrammar::AttestGrammar(CLI::App& app, AttestArguments& with, const AttestCommands& commands,
                             Run& chosen)
    : with_(with), chosen_(chosen) {
  attest_ = app.add_subcommand("attest", "What the unit states about itself, and who checks it");
  attest_->require_subcommand(0, 1);
  attest_->fallthrough();
  attest_->add_option("--nonce", with_.nonce, "64 hex digits, of who will check it; else random");
  out(*attest_);
  attest_->callback([this, &commands] {
    if (attest_->get_subcommands().empty()) chosen_ = [&commands] { return commands.attest(); };
  });

  CLI::App& verify =
      leaf("verify", "Say in words what of a unit is not as released; on any machine",
           [&commands] { return commands.verify(); });
  evidence(verify);
  verify.add_option("--nonce", with_.nonce, "What the unit was asked with");
  manifest(verify);
  verify.add_option("--ek-roots", with_.ek_roots, "A folder of certificates of TPM makers");
  CLI::Option* const kept =
      verify.add_option("--challenge", with_.kept, "What 'challenge --keep' wrote");
  CLI::Option* const answer =
      verify.add_option("--answer", with_.answer, "The unit's answer to it");
  kept->needs(answer);
  answer->needs(kept);

  CLI::App& challenge =
      leaf("challenge",
           "Make what only the TPM of the endorsement key can answer; on the machine that checks",
           [&commands] { return commands.challenge(); });
  evidence(challenge);
  challenge.add_option("--keep", with_.kept, "Where to keep what the answer must be")->required();
  out(challenge);

  CLI::App& activate = leaf("activate", "Answer a challenge; on the unit, as an administrator",
                            [&commands] { return commands.activate(); });
  activate.add_option("challenge", with_.challenge, "The challenge")->required();
  out(activate);

  CLI::App& pin = leaf("pin", "Ask a unit, and compare it with what it was when it was met first",
                       [&commands] { return commands.pin(); });
  pin.add_option("url", with_.url, "Where clients reach it: https://gims.internal:8443")
      ->required();
  pin.add_option("--pins", with_.pins, "The file of what units were")->required();
  pin.add_option("--ca", with_.ca, "The site's root certificate, PEM");
  manifest(pin);
}

CLI::App& AttestGrammar::leaf(const std::string& name, const std::string& about, Run run) {
  CLI::App* const made = attest_->add_subcommand(name, about);
  made->fallthrough();
  made->callback([this, run = std::move(run)] { chosen_ = run; });
  return *made;
}

void AttestGrammar::out(CLI::App& command) {
  command.add_option("--out", with_.out, "The file to write; else standard output");
}

void AttestGrammar::evidence(CLI::App& command) {
  command.add_option("evidence", with_.evidence, "What 'attest' gave")->required();
}

void AttestGrammar::manifest(CLI::App& command) {
  command.add_option("--manifest", with_.manifest, "The release's manifest");
  command.add_option("--release-key", with_.release_key, "The key that must have signed it, PEM");
}

}  // namespace gims::ctl
