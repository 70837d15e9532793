#include "hsm/consent/consent.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "hsm/approval/client_data.hpp"
#include "hsm/approval/key_file.hpp"
#include "hsm/approval/webauthn_file.hpp"
#include "sys/atomic_file.hpp"
#include "sys/secret_file.hpp"

namespace gims::hsm::consent {
namespace {

using approval::Assertion;
using approval::Challenge;

std::unexpected<Error> refused(const std::string& text) {
  return fail(ErrorKind::bad_input, "GIMS_KEYD_REQUEST", text);
}

template <class T>
Result<T> about(const std::string& file, Result<T> result) {
  if (!result) result.error().text = file + ": " + result.error().text;
  return result;
}

std::unexpected<Error> unreadable(const std::string& file, const Error& error) {
  return refused(file + " cannot be read (" + error.code + ").");
}

Result<Assertion> by_key(const Means& means, BytesView pem, const Challenge& challenge,
                         const AskPassphrase& ask) {
  SecretBytes passphrase;
  if (approval::wants_passphrase(pem)) {
    GIMS_TRY_ASSIGN(passphrase, ask());
  }
  GIMS_TRY_ASSIGN(const approval::PrivateKey key,
                  approval::PrivateKey::from_pem(pem, passphrase.bytes()));
  return key.approve(means.who, challenge);
}

}  // namespace

Result<Assertion> assertion_by(const Means& means, const Challenge& challenge,
                               const AskPassphrase& passphrase) {
  if (means.who.empty() || means.key_file.empty() == means.assertion_file.empty()) {
    return refused(
        "To say yes, tell who you are (--as), and either your key's file (--key) or the file of an "
        "assertion (--assertion).");
  }
  if (!means.assertion_file.empty()) {
    const auto json = sys::read_file(means.assertion_file, approval::max_webauthn_file);
    if (!json) return unreadable(means.assertion_file, json.error());
    const std::string_view text(reinterpret_cast<const char*>(json->data()), json->size());
    return about(means.assertion_file, approval::assertion_of_json(text, means.who));
  }
  const auto pem = sys::read_secret_file(means.key_file, approval::max_key_file);
  if (!pem) return unreadable(means.key_file, pem.error());
  return about(means.key_file, by_key(means, pem->bytes(), challenge, passphrase));
}

Result<ProposalReply> proposal_of(Client& keyd, std::uint32_t id) {
  GIMS_TRY_ASSIGN(std::vector<ProposalReply> proposals, keyd.proposals());
  const auto found = std::ranges::find(proposals, id, &ProposalReply::id);
  if (found == proposals.end()) {
    return fail(ErrorKind::not_found, "GIMS_KEYD_APPROVAL",
                "There is no such proposal: it was carried out, or its ten minutes are over.");
  }
  return std::move(*found);
}

Result<ApproveReply> approve(Client& keyd, const ProposalReply& proposal, const Means& means,
                             const AskPassphrase& passphrase) {
  GIMS_TRY_ASSIGN(const Assertion assertion, assertion_by(means, proposal.challenge, passphrase));
  Bytes room(max_assertion);
  Writer writer(room);
  encode(writer, assertion);
  return keyd.approve(
      {.id = proposal.id, .assertion = {writer.body().begin(), writer.body().end()}});
}

ProposeRequest to_zeroize(bool files_only) {
  std::array<std::uint8_t, header_size + 1> room{};
  Writer writer(room);
  encode(writer, ZeroizeRequest{.files_only = files_only});
  return {.action = Action::zeroize, .body = {writer.body().begin(), writer.body().end()}};
}

ProposeRequest to_reset_identity(const std::string& user_id) {
  return {.action = Action::identity_reset, .body = {user_id.begin(), user_id.end()}};
}

ProposeRequest to_add_person(const std::string& name) {
  return {.action = Action::add_person, .body = {name.begin(), name.end()}};
}
ProposeRequest to_remove_person(const std::string& name) {
  return {.action = Action::remove_person, .body = {name.begin(), name.end()}};
}

Result<Said> start_or_complete(Client& keyd, const ProposeRequest& request, const Means& means,
                               const AskPassphrase& passphrase) {
  GIMS_TRY_ASSIGN(std::vector<ProposalReply> proposals, keyd.proposals());
  const auto same = [&](const ProposalReply& one) {
    return one.action == request.action && one.body == request.body;
  };
  const auto found = std::ranges::find_if(proposals, same);
  Said said;
  if (found != proposals.end()) {
    said.proposal = std::move(*found);
  } else {
    GIMS_TRY_ASSIGN(said.proposal, keyd.propose(request));
  }
  if (!means.given()) return said;
  GIMS_TRY_ASSIGN(said.yes, approve(keyd, said.proposal, means, passphrase));
  return said;
}

std::string describe(const ProposalReply& proposal) {
  std::string text = "proposal " + std::to_string(proposal.id) + ": " + proposal.text +
                     "\n  challenge: " + approval::base64url(proposal.challenge) +
                     "\n  approved:  ";
  for (std::size_t i = 0; i < proposal.approved_by.size(); ++i) {
    text += (i == 0 ? "by " : ", by ") + proposal.approved_by[i];
  }
  if (proposal.approved_by.empty()) text += "by nobody yet";
  return text + "\n  time left: " + std::to_string(proposal.seconds_left / 60) + " min " +
         std::to_string(proposal.seconds_left % 60) + " s\n";
}

std::string describe(const Said& said) {
  if (!said.yes) return describe(said.proposal);
  if (said.yes->missing == 0) return said.yes->text + "\n";
  return "Proposal " + std::to_string(said.proposal.id) + ", to " + said.proposal.text +
         ", waits for a second person, for ten minutes from when it was made.\n";
}

}  // namespace gims::hsm::consent
