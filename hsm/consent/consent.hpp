// What an administrator runs to say yes: their key is used here, in the process of their command,
// and never in gims-keyd.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/secret.hpp"
#include "hsm/approval/assertion.hpp"
#include "hsm/proto/client.hpp"

namespace gims::hsm::consent {

// Who says yes, and with what: a key in a file, or an assertion that an authenticator made already.
struct Means {
  std::string who;
  std::string key_file;        // PEM; empty: none
  std::string assertion_file;  // what a WebAuthn client wrote; empty: none

  [[nodiscard]] bool given() const noexcept { return !who.empty(); }
};
// Asks for the passphrase of the key's file; called only where it has one.
using AskPassphrase = std::function<Result<SecretBytes>()>;

// Fails (bad_input) for files that are not what they should be; the text names them.
[[nodiscard]] Result<approval::Assertion> assertion_by(const Means& means,
                                                       const approval::Challenge& challenge,
                                                       const AskPassphrase& passphrase);

// The proposal of this number; not_found where there is none.
[[nodiscard]] Result<ProposalReply> proposal_of(Client& keyd, std::uint32_t id);
[[nodiscard]] Result<ApproveReply> approve(Client& keyd, const ProposalReply& proposal,
                                           const Means& means, const AskPassphrase& passphrase);

[[nodiscard]] ProposeRequest to_zeroize(bool files_only);
// `user_id`: the whole of it.
[[nodiscard]] ProposeRequest to_reset_identity(const std::string& user_id);
[[nodiscard]] ProposeRequest to_add_person(const std::string& name);
[[nodiscard]] ProposeRequest to_remove_person(const std::string& name);

// The same command for the first person and for the second: proposes what is not proposed yet, and
// says yes where `means` are given.
struct Said {
  ProposalReply proposal;
  std::optional<ApproveReply> yes;
};
[[nodiscard]] Result<Said> start_or_complete(Client& keyd, const ProposeRequest& request,
                                             const Means& means, const AskPassphrase& passphrase);

// For the terminal: what is proposed, its number and challenge, who approved, and what comes next.
[[nodiscard]] std::string describe(const ProposalReply& proposal);
[[nodiscard]] std::string describe(const Said& said);

}  // namespace gims::hsm::consent
