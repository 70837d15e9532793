#include "hsm/tpm2/connection.hpp"

#include <tss2/tss2_rc.h>
#include <tss2/tss2_sys.h>

#include <array>
#include <string>

namespace gims::hsm::tpm2 {
namespace {

constexpr TPMT_SYM_DEF session_cipher{
    .algorithm = TPM2_ALG_AES, .keyBits = {.aes = 128}, .mode = {.aes = TPM2_ALG_CFB}};

// As the storage root key of the TCG's TPM 2.0 Provisioning Guidance: a restricted decryption key,
// so that it protects objects and salts and does nothing else.
TPM2B_PUBLIC storage_template() {
  TPM2B_PUBLIC storage{};
  TPMT_PUBLIC& area = storage.publicArea;
  area.type = TPM2_ALG_ECC;
  area.nameAlg = TPM2_ALG_SHA256;
  area.objectAttributes = TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT | TPMA_OBJECT_FIXEDTPM |
                          TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN |
                          TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_NODA;
  TPMS_ECC_PARMS& ecc = area.parameters.eccDetail;
  ecc.symmetric.algorithm = TPM2_ALG_AES;
  ecc.symmetric.keyBits.aes = 128;
  ecc.symmetric.mode.aes = TPM2_ALG_CFB;
  ecc.scheme.scheme = TPM2_ALG_NULL;
  ecc.curveID = TPM2_ECC_NIST_P256;
  ecc.kdf.scheme = TPM2_ALG_NULL;
  return storage;
}

}  // namespace

bool may_pass(TSS2_RC rc) noexcept {
  const TSS2_RC layer = rc & TSS2_RC_LAYER_MASK;
  if (layer == TSS2_TCTI_RC_LAYER) return true;
  const bool of_the_tpm = layer == TSS2_TPM_RC_LAYER || layer == TSS2_RESMGR_TPM_RC_LAYER;
  // Format zero, and the two bits that tell a warning from an error (part 1, figure "Response Code
  // Evaluation").
  constexpr TSS2_RC format_one = 0x080;
  return of_the_tpm && (rc & (format_one | TPM2_RC_WARN)) == TPM2_RC_WARN;
}

Loaded& Loaded::operator=(Loaded&& other) noexcept {
  if (this != &other) {
    flush();
    esys_ = other.esys_;
    handle_ = std::exchange(other.handle_, ESYS_TR_NONE);
  }
  return *this;
}

void Loaded::flush() noexcept {
  if (handle_ == ESYS_TR_NONE) return;
  // A connection that broke flushes nothing; the next one clears up, or the resource manager does.
  static_cast<void>(Esys_FlushContext(esys_, std::exchange(handle_, ESYS_TR_NONE)));
}

Result<std::unique_ptr<Connection>> Connection::open(const Options& options) {
  const auto deadline = std::chrono::steady_clock::now() + options.time_limit;
  GIMS_TRY_ASSIGN(auto transport, Transport::open(options.address, deadline));
  std::unique_ptr<Connection> connection(new Connection(std::move(transport)));
  GIMS_TRY(connection->check(
      Esys_Initialize(connection->esys_.out(), connection->transport_->tcti(), nullptr),
      "Esys_Initialize"));
  if (options.address.swtpm) GIMS_TRY(connection->start_software_tpm());
  GIMS_TRY(connection->read_manufacturer());
  return connection;
}

Connection::~Connection() = default;

Result<> Connection::check(TSS2_RC rc, std::string_view what) const {
  if (rc == TSS2_RC_SUCCESS) return {};
  const std::string detail = std::string(what) + ": " + Tss2_RC_Decode(rc);
  if (transport_->timed_out()) {
    return fail(ErrorKind::unavailable, away_code,
                "The TPM did not answer within the time limit (at " + std::string(what) + ").",
                detail);
  }
  if (may_pass(rc)) {
    return fail(ErrorKind::unavailable, away_code, "The TPM did not answer: " + detail + ".",
                detail);
  }
  return fail(ErrorKind::unavailable, "GIMS_KEYD_CUSTODY", "The TPM refused: " + detail + ".",
              detail);
}

Result<std::vector<TPM2_HANDLE>> Connection::handles(TPM2_HANDLE first, std::uint32_t most,
                                                     ESYS_TR session) const {
  if (session != ESYS_TR_NONE) GIMS_TRY(set_attributes(session, TPMA_SESSION_AUDIT));
  Given<TPMS_CAPABILITY_DATA> capability;
  GIMS_TRY(check(Esys_GetCapability(esys(), session, ESYS_TR_NONE, ESYS_TR_NONE, TPM2_CAP_HANDLES,
                                    first, most, nullptr, capability.out()),
                 "TPM2_GetCapability"));
  if (session != ESYS_TR_NONE) GIMS_TRY(set_attributes(session, 0));
  const TPML_HANDLE& list = capability.get()->data.handles;
  return std::vector<TPM2_HANDLE>(list.handle, list.handle + list.count);
}

Result<> Connection::start_software_tpm() const {
  const TSS2_RC started = Esys_Startup(esys(), TPM2_SU_CLEAR);
  if (started != TPM2_RC_INITIALIZE) GIMS_TRY(check(started, "TPM2_Startup"));

  TSS2_SYS_CONTEXT* sys = nullptr;
  GIMS_TRY(check(Esys_GetSysContext(esys(), &sys), "Esys_GetSysContext"));
  // Objects, sessions in the TPM, sessions saved outside of it.
  for (const TPM2_HANDLE first :
       {TPM2_TRANSIENT_FIRST, TPM2_LOADED_SESSION_FIRST, TPM2_ACTIVE_SESSION_FIRST}) {
    GIMS_TRY_ASSIGN(const auto left, handles(first, TPM2_MAX_CAP_HANDLES));
    for (const TPM2_HANDLE handle : left) {
      GIMS_TRY(check(Tss2_Sys_FlushContext(sys, handle), "TPM2_FlushContext"));
    }
  }
  return {};
}

Result<> Connection::read_manufacturer() {
  Given<TPMS_CAPABILITY_DATA> capability;
  GIMS_TRY(check(
      Esys_GetCapability(esys(), ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, TPM2_CAP_TPM_PROPERTIES,
                         TPM2_PT_MANUFACTURER, 1, nullptr, capability.out()),
      "TPM2_GetCapability"));
  const TPML_TAGGED_TPM_PROPERTY& list = capability.get()->data.tpmProperties;
  if (list.count != 1 || list.tpmProperty[0].property != TPM2_PT_MANUFACTURER) {
    return fail(ErrorKind::unavailable, "GIMS_KEYD_CUSTODY",
                "The TPM does not tell its manufacturer.");
  }
  manufacturer_ = list.tpmProperty[0].value;
  return {};
}

Result<Connection::StorageKey> Connection::storage_key() const {
  const TPM2B_SENSITIVE_CREATE no_secret{};
  const TPM2B_PUBLIC storage = storage_template();
  const TPM2B_DATA no_data{};
  const TPML_PCR_SELECTION no_pcrs{};
  ESYS_TR handle = ESYS_TR_NONE;
  GIMS_TRY(check(Esys_CreatePrimary(esys(), ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD, ESYS_TR_NONE,
                                    ESYS_TR_NONE, &no_secret, &storage, &no_data, &no_pcrs, &handle,
                                    nullptr, nullptr, nullptr, nullptr),
                 "TPM2_CreatePrimary"));
  StorageKey key{.object = Loaded(esys(), handle), .name = {}};
  Given<TPM2B_NAME> name;
  GIMS_TRY(check(Esys_TR_GetName(esys(), handle, name.out()), "Esys_TR_GetName"));
  key.name.assign(name.get()->name, name.get()->name + name.get()->size);
  return key;
}

Result<Loaded> Connection::start_session(ESYS_TR storage_key, TPM2_SE type) const {
  ESYS_TR session = ESYS_TR_NONE;
  GIMS_TRY(check(Esys_StartAuthSession(esys(), storage_key, ESYS_TR_NONE, ESYS_TR_NONE,
                                       ESYS_TR_NONE, ESYS_TR_NONE, nullptr, type, &session_cipher,
                                       TPM2_ALG_SHA256, &session),
                 "TPM2_StartAuthSession"));
  Loaded loaded(esys(), session);
  GIMS_TRY(encrypt(session, 0));
  return loaded;
}

Result<> Connection::encrypt(ESYS_TR session, TPMA_SESSION parameters) const {
  return set_attributes(session, parameters);
}

Result<> Connection::set_attributes(ESYS_TR session, TPMA_SESSION attributes) const {
  constexpr TPMA_SESSION all = 0xff;
  return check(
      Esys_TRSess_SetAttributes(esys(), session, TPMA_SESSION_CONTINUESESSION | attributes, all),
      "Esys_TRSess_SetAttributes");
}

}  // namespace gims::hsm::tpm2
