#include "hsm/main/confine.hpp"

#include "sys/harden.hpp"
#include "sys/sandbox.hpp"

namespace gims::hsm {
namespace {

// Beside what every daemon may call, and what enter_sandbox() allows for the path rules below
// (opening, writing, syncing, renaming and removing files):
//
// - the loop is poll(2) over the listening socket, its peers and a signalfd, all of which are open
//   when the sandbox closes, and accept4(2): in base_calls();
// - the TPM is opened anew for each use: open(2) of the one device, or connect(2) to the Unix
//   socket of a swtpm; gims-pkcs11d is asked over a Unix socket. That needs socket(2) for AF_UNIX
//   alone: no other family can be made, so a gims-keyd that was taken over reaches no network;
// - the logs of what was measured are open before: serve.cpp;
// - what root reads the data volume's key at listens before, and a connection is written to once:
//   accept4, getsockopt, getpeername and sendmsg are in base_calls();
// - the keys are in pages of SecretBytes: memfd_secret and ftruncate, or mlock; mmap, mprotect
//   without PROT_EXEC, madvise.
//
// There is nothing to add.
sys::Sandbox sandbox_for(const Settings& settings) {
  sys::Sandbox sandbox;
  sandbox.sockets = sys::NewSockets::unix_only;
  sandbox.paths.push_back({.path = settings.state_folder,
                           .right = sys::PathRight::write_tree,
                           .reason = "gims-keyd's files are replaced, and destroyed"});
  if (!settings.policy_file.empty()) {
    sandbox.paths.push_back({.path = settings.policy_file,
                             .right = sys::PathRight::read_file,
                             .reason = "what the release allows the TPM"});
  }
  if (settings.tpm && !settings.tpm->address.swtpm) {
    sandbox.paths.push_back({.path = settings.tpm->address.path,
                             .right = sys::PathRight::device,
                             .reason = "the TPM, through the kernel's resource manager"});
  }
  return sandbox;
}

}  // namespace

Result<> give_up_rights(const Settings& settings) {
  GIMS_TRY(sys::become_user(settings.user, "gims-keyd"));
  return sys::harden_process();
}

Result<> enter_sandbox(const Settings& settings) {
  return sys::enter_sandbox(sandbox_for(settings));
}

}  // namespace gims::hsm
