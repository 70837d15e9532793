#include "hsm/tpm2/connection.hpp"

#include <tss2/tss2_rc.h>
#include <tss2/tss2_sys.h>

#include <algorithm>
#include <array>
#include <string>

#include "base/wipe.hpp"
#include "hsm/tpm2/templates.hpp"
#include "hsm/tpm2/transport.hpp"

namespace gims::hsm::tpm2 {
namespace {

constexpr TPMT_SYM_DEF session_cipher{
    .algorithm = TPM2_ALG_AES, .keyBits = {.aes = 128}, .mode = {.aes = TPM2_ALG_CFB}};

// Where the storage key is kept: of the owner's range.
constexpr TPMI_DH_PERSISTENT storage_key_handle = 0x8101'4D00;

}  // namespace

bool may_pass(TSS2_RC rc) noexcept {
  const TSS2_RC layer = rc & TSS2_RC_LAYER_MASK;
  if (layer == TSS2_TCTI_RC_LAYER) return true;
  // A command before it got no answer, and nobody heard: one that flushes (Loaded). tpm2-tss then
  // takes no other on this connection.
  if (rc == TSS2_ESYS_RC_BAD_SEQUENCE) return true;
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
  GIMS_TRY_ASSIGN(std::unique_ptr<Way> way, Transport::open(options.address, deadline));
  if (options.detour) way = options.detour(std::move(way));
  std::unique_ptr<Connection> connection(new Connection(std::move(way)));
  GIMS_TRY(
      connection->check(Esys_Initialize(connection->esys_.out(), connection->way_->tcti(), nullptr),
                        "Esys_Initialize"));
  if (options.address.swtpm) GIMS_TRY(connection->start_software_tpm());
  GIMS_TRY_ASSIGN(connection->manufacturer_,
                  connection->property(TPM2_PT_MANUFACTURER, ESYS_TR_NONE));
  return connection;
}

Connection::~Connection() = default;

Result<> Connection::check(TSS2_RC rc, std::string_view what) const {
  if (rc == TSS2_RC_SUCCESS) return {};
  const std::string detail = std::string(what) + ": " + Tss2_RC_Decode(rc);
  if (way_->timed_out()) {
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
  if (session != ESYS_TR_NONE) GIMS_TRY(audit(session, true));
  Given<TPMS_CAPABILITY_DATA> capability;
  GIMS_TRY(check(Esys_GetCapability(esys(), session, ESYS_TR_NONE, ESYS_TR_NONE, TPM2_CAP_HANDLES,
                                    first, most, nullptr, capability.out()),
                 "TPM2_GetCapability"));
  if (session != ESYS_TR_NONE) GIMS_TRY(audit(session, false));
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

Result<UINT32> Connection::property(TPM2_PT which, ESYS_TR session) const {
  if (session != ESYS_TR_NONE) GIMS_TRY(audit(session, true));
  Given<TPMS_CAPABILITY_DATA> capability;
  const TSS2_RC asked =
      Esys_GetCapability(esys(), session, ESYS_TR_NONE, ESYS_TR_NONE, TPM2_CAP_TPM_PROPERTIES,
                         which, 1, nullptr, capability.out());
  if (session != ESYS_TR_NONE) GIMS_TRY(audit(session, false));
  GIMS_TRY(check(asked, "TPM2_GetCapability"));
  const TPML_TAGGED_TPM_PROPERTY& list = capability.get()->data.tpmProperties;
  if (list.count != 1 || list.tpmProperty[0].property != which) {
    return fail(ErrorKind::unavailable, "GIMS_KEYD_CUSTODY",
                "The TPM does not tell one of its properties.");
  }
  return list.tpmProperty[0].value;
}

Result<Connection::StorageKey> Connection::storage_key(bool make) const {
  GIMS_TRY_ASSIGN(const auto found, handles(storage_key_handle, 1));
  StorageKey key;
  if (!found.empty() && found.front() == storage_key_handle) {
    GIMS_TRY(check(Esys_TR_FromTPMPublic(esys(), storage_key_handle, ESYS_TR_NONE, ESYS_TR_NONE,
                                         ESYS_TR_NONE, &key.object),
                   "TPM2_ReadPublic"));
  } else if (make) {
    GIMS_TRY_ASSIGN(key.object, make_storage_key());
  } else {
    return fail(ErrorKind::unavailable, "GIMS_KEYD_CUSTODY",
                "This TPM holds no storage key of ours: this is another TPM, or it was cleared.");
  }
  Given<TPM2B_NAME> name;
  GIMS_TRY(check(Esys_TR_GetName(esys(), key.object, name.out()), "Esys_TR_GetName"));
  key.name.assign(name.get()->name, name.get()->name + name.get()->size);
  return key;
}

Result<ESYS_TR> Connection::make_storage_key() const {
  const TPM2B_SENSITIVE_CREATE no_secret{};
  const TPM2B_PUBLIC storage = storage_template();
  const TPM2B_DATA no_data{};
  const TPML_PCR_SELECTION no_pcrs{};
  ESYS_TR handle = ESYS_TR_NONE;
  GIMS_TRY(check(Esys_CreatePrimary(esys(), ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD, ESYS_TR_NONE,
                                    ESYS_TR_NONE, &no_secret, &storage, &no_data, &no_pcrs, &handle,
                                    nullptr, nullptr, nullptr, nullptr),
                 "TPM2_CreatePrimary"));
  const Loaded made(esys(), handle);
  ESYS_TR kept = ESYS_TR_NONE;
  GIMS_TRY(check(Esys_EvictControl(esys(), ESYS_TR_RH_OWNER, handle, ESYS_TR_PASSWORD, ESYS_TR_NONE,
                                   ESYS_TR_NONE, storage_key_handle, &kept),
                 "TPM2_EvictControl"));
  return kept;
}

TPM2B_AUTH auth_of(BytesView value) noexcept {
  TPM2B_AUTH auth{};
  auth.size = static_cast<UINT16>(std::min(value.size(), sizeof auth.buffer));
  std::copy_n(value.begin(), auth.size, auth.buffer);
  return auth;
}

Result<> Connection::set_auth(ESYS_TR handle, BytesView auth) const {
  TPM2B_AUTH value = auth_of(auth);
  const TSS2_RC set = Esys_TR_SetAuth(esys(), handle, &value);
  wipe_object(value);
  return check(set, "Esys_TR_SetAuth");
}

Result<TPMA_PERMANENT> Connection::permanent(ESYS_TR session) const {
  GIMS_TRY_ASSIGN(const UINT32 value, property(TPM2_PT_PERMANENT, session));
  return static_cast<TPMA_PERMANENT>(value);
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

Result<> Connection::audit(ESYS_TR session, bool on) const {
  return set_attributes(session, on ? TPMA_SESSION_AUDIT : 0);
}

Result<> Connection::set_attributes(ESYS_TR session, TPMA_SESSION attributes) const {
  constexpr TPMA_SESSION all = 0xff;
  return check(
      Esys_TRSess_SetAttributes(esys(), session, TPMA_SESSION_CONTINUESESSION | attributes, all),
      "Esys_TRSess_SetAttributes");
}

}  // namespace gims::hsm::tpm2
