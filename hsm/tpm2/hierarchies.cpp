#include "hsm/tpm2/hierarchies.hpp"

#include <array>

#include "base/check.hpp"
#include "base/wipe.hpp"
#include "hsm/core/keys.hpp"

namespace gims::hsm::tpm2 {
namespace {

// Wrong authorisations before a lock-out; seconds until one is forgotten; seconds until the lock-out
// password may be tried again. Our own objects are not counted, so this is about strangers.
constexpr UINT32 most_tries = 32;
constexpr UINT32 try_forgotten_after = 7200;
constexpr UINT32 lockout_recovery = 86'400;

struct Hierarchy {
  ESYS_TR handle;
  TPMA_PERMANENT is_set;
  Password which;
};
constexpr std::array<Hierarchy, 3> hierarchies{{
    {ESYS_TR_RH_ENDORSEMENT, TPMA_PERMANENT_ENDORSEMENTAUTHSET, Password::endorsement},
    {ESYS_TR_RH_LOCKOUT, TPMA_PERMANENT_LOCKOUTAUTHSET, Password::lockout},
    // Last: with it all is done.
    {ESYS_TR_RH_OWNER, TPMA_PERMANENT_OWNERAUTHSET, Password::owner},
}};

Result<> change(const Use& use, ESYS_TR hierarchy, BytesView value) {
  TPM2B_AUTH auth = auth_of(value);
  GIMS_TRY(use.tpm().encrypt(use.session(), TPMA_SESSION_DECRYPT));
  const TSS2_RC changed = Esys_HierarchyChangeAuth(use.tpm().esys(), hierarchy, use.session(),
                                                   ESYS_TR_NONE, ESYS_TR_NONE, &auth);
  wipe_object(auth);
  GIMS_TRY(use.tpm().encrypt(use.session(), 0));
  return use.tpm().check(changed, "TPM2_HierarchyChangeAuth");
}

}  // namespace

Result<SecretBytes> password(const SecretBytes& hardware_secret, Password which) {
  return derive_for_hardware(hardware_secret, static_cast<std::uint64_t>(which));
}

Result<> check_unowned(const Use& use) {
  GIMS_TRY_ASSIGN(const TPMA_PERMANENT set, use.tpm().permanent(use.session()));
  for (const Hierarchy& hierarchy : hierarchies) {
    if ((set & hierarchy.is_set) != 0) {
      return fail(ErrorKind::unavailable, "GIMS_KEYD_CUSTODY",
                  "This TPM has passwords of a site that did not give it free. Clear the TPM in the "
                  "firmware's set-up: that destroys the keys of that site.");
    }
  }
  return {};
}

Result<> take_hierarchies(const Use& use, const SecretBytes& hardware_secret) {
  GIMS_TRY_ASSIGN(const TPMA_PERMANENT set, use.tpm().permanent(use.session()));
  for (const Hierarchy& hierarchy : hierarchies) {
    if ((set & hierarchy.is_set) != 0) continue;
    if (hierarchy.handle == ESYS_TR_RH_LOCKOUT) {
      GIMS_TRY(use.tpm().check(
          Esys_DictionaryAttackParameters(use.tpm().esys(), ESYS_TR_RH_LOCKOUT, use.session(),
                                          ESYS_TR_NONE, ESYS_TR_NONE, most_tries,
                                          try_forgotten_after, lockout_recovery),
          "TPM2_DictionaryAttackParameters"));
    }
    GIMS_TRY_ASSIGN(const SecretBytes value, password(hardware_secret, hierarchy.which));
    GIMS_TRY(change(use, hierarchy.handle, value.bytes()));
  }
  return {};
}

Result<> release_hierarchies(const Use& use, const SecretBytes& hardware_secret) {
  GIMS_TRY_ASSIGN(const TPMA_PERMANENT set, use.tpm().permanent(use.session()));
  for (const Hierarchy& hierarchy : hierarchies) {
    if ((set & hierarchy.is_set) == 0) continue;
    GIMS_TRY(know(use, hardware_secret, hierarchy.which));
    GIMS_TRY(change(use, hierarchy.handle, {}));
  }
  return {};
}

Result<> know(const Use& use, const SecretBytes& hardware_secret, Password which) {
  GIMS_CHECK(which != Password::counter);
  GIMS_TRY_ASSIGN(const SecretBytes value, password(hardware_secret, which));
  for (const Hierarchy& hierarchy : hierarchies) {
    if (hierarchy.which == which) return use.tpm().set_auth(hierarchy.handle, value.bytes());
  }
  return {};
}

}  // namespace gims::hsm::tpm2
