#include "hsm/tpm2/tpm2_vault.hpp"

#include <algorithm>
#include <utility>

#include "base/check.hpp"
#include "base/wipe.hpp"
#include "hsm/tpm2/connection.hpp"
#include "hsm/tpm2/policy.hpp"
#include "hsm/tpm2/stored.hpp"

namespace gims::hsm::tpm2 {
namespace {

constexpr std::string_view device_prefix = "device:";
constexpr std::string_view the_device = "/dev/tpmrm0";
constexpr std::string_view swtpm_prefix = "swtpm:path=";

// TPM2_PT_MANUFACTURER of libtpms, as four characters: "IBM" and a zero, or "SW" and two spaces.
constexpr std::uint32_t manufacturer_ibm = 0x49424D00;
constexpr std::uint32_t manufacturer_sw = 0x53572020;

std::unexpected<Error> custody(std::string_view text, std::string_view detail = {}) {
  return fail(ErrorKind::unavailable, "GIMS_KEYD_CUSTODY", text, detail);
}

// A number of the TPM comes without leading zeros, or with them.
bool copy_padded(const TPM2B_ECC_PARAMETER& number, std::span<std::uint8_t> out) {
  if (number.size > out.size()) return false;
  std::ranges::fill(out, std::uint8_t{0});
  std::copy_n(number.buffer, number.size, out.last(number.size).begin());
  return true;
}

Result<P256Point> point_of(const TPM2B_PUBLIC& key) {
  P256Point point{};
  point[0] = 4;
  const TPMS_ECC_POINT& unique = key.publicArea.unique.ecc;
  const auto out = std::span(point).subspan(1);
  if (key.publicArea.type != TPM2_ALG_ECC ||
      key.publicArea.parameters.eccDetail.curveID != TPM2_ECC_NIST_P256 ||
      !copy_padded(unique.x, out.first(32)) || !copy_padded(unique.y, out.last(32))) {
    return custody("The TPM's signing key is not of the curve P-256.");
  }
  return point;
}

// The objects' own attributes: bound to this TPM and its storage key; used by policy alone; not
// counted by the dictionary attack protection, whose lock would keep the site from starting, as the
// authorisation value is 256 random bits.
constexpr TPMA_OBJECT object_attributes =
    TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_NODA | TPMA_OBJECT_ADMINWITHPOLICY;

TPM2B_PUBLIC sealed_template(const TPM2B_DIGEST& policy) {
  TPM2B_PUBLIC sealed{};
  TPMT_PUBLIC& area = sealed.publicArea;
  area.type = TPM2_ALG_KEYEDHASH;
  area.nameAlg = TPM2_ALG_SHA256;
  area.objectAttributes = object_attributes;
  area.authPolicy = policy;
  area.parameters.keyedHashDetail.scheme.scheme = TPM2_ALG_NULL;
  return sealed;
}

TPM2B_PUBLIC signing_template(const TPM2B_DIGEST& policy) {
  TPM2B_PUBLIC key{};
  TPMT_PUBLIC& area = key.publicArea;
  area.type = TPM2_ALG_ECC;
  area.nameAlg = TPM2_ALG_SHA256;
  area.objectAttributes =
      object_attributes | TPMA_OBJECT_SIGN_ENCRYPT | TPMA_OBJECT_SENSITIVEDATAORIGIN;
  area.authPolicy = policy;
  TPMS_ECC_PARMS& ecc = area.parameters.eccDetail;
  ecc.symmetric.algorithm = TPM2_ALG_NULL;
  ecc.scheme.scheme = TPM2_ALG_ECDSA;
  ecc.scheme.details.ecdsa.hashAlg = TPM2_ALG_SHA256;
  ecc.curveID = TPM2_ECC_NIST_P256;
  ecc.kdf.scheme = TPM2_ALG_NULL;
  return key;
}

// The terms under which the objects may be used. Later ones (measured boot) go here and into
// start_policy_session().
TPM2B_DIGEST policy() {
  PolicyDigest digest;
  digest.auth_value();
  return digest.get();
}

// The storage key and a salted HMAC session, for as long as one call of the vault takes.
class Use {
 public:
  static Result<Use> begin(const Options& options) {
    Use use(options);
    GIMS_TRY_ASSIGN(use.tpm_, Connection::open(options));
    GIMS_TRY_ASSIGN(use.storage_, use.tpm_->storage_key());
    return use;
  }
  // The pin, before anything is sent that a stand-in for the TPM could use.
  Result<> check_pin(BytesView name) const {
    if (std::ranges::equal(name, storage_.name)) return {};
    return custody(
        "The storage key of this TPM is not the one that was pinned at provisioning: this is "
        "another TPM, or its owner was cleared.");
  }
  Result<> start_session() {
    GIMS_TRY_ASSIGN(session_, tpm_->start_session(storage_.object.get(), TPM2_SE_HMAC));
    return {};
  }

  [[nodiscard]] const Bytes& storage_name() const { return storage_.name; }
  [[nodiscard]] std::uint32_t manufacturer() const { return tpm_->manufacturer(); }

  // The authorisation value of the objects. It is in the TPM alone, so that deleting the index ends
  // them, wherever copies of their blobs may be.
  Result<bool> has_auth() const;
  Result<> write_auth(const SecretBytes& auth) const;
  Result<SecretBytes> read_auth() const;
  Result<> delete_auth() const;

  Result<StoredObject> create(const TPM2B_PUBLIC& shape, const SecretBytes& auth,
                              BytesView data) const;
  Result<Loaded> load(const StoredObject& object, const SecretBytes& auth) const;
  Result<SecretBytes> unseal(const Loaded& object) const;
  Result<P256Signature> sign(const Loaded& key, const Digest& digest) const;

 private:
  explicit Use(const Options& options) : nv_index_(options.nv_index) {}
  // States to the TPM what policy() says.
  Result<Loaded> start_policy_session() const {
    GIMS_TRY_ASSIGN(Loaded session, tpm_->start_session(storage_.object.get(), TPM2_SE_POLICY));
    GIMS_TRY(tpm_->check(
        Esys_PolicyAuthValue(tpm_->esys(), session.get(), ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE),
        "TPM2_PolicyAuthValue"));
    return session;
  }
  Result<ESYS_TR> nv_handle() const {
    ESYS_TR index = ESYS_TR_NONE;
    GIMS_TRY(tpm_->check(Esys_TR_FromTPMPublic(tpm_->esys(), nv_index_, ESYS_TR_NONE, ESYS_TR_NONE,
                                               ESYS_TR_NONE, &index),
                         "TPM2_NV_ReadPublic"));
    return index;
  }

  std::uint32_t nv_index_;
  // In this order: objects and sessions go before the connection.
  std::unique_ptr<Connection> tpm_;
  Connection::StorageKey storage_;
  Loaded session_;
};

Result<bool> Use::has_auth() const {
  // In the session: that there is no index is believed of this TPM alone, not of whoever sits
  // between.
  GIMS_TRY_ASSIGN(const auto found, tpm_->handles(nv_index_, 1, session_.get()));
  return !found.empty() && found.front() == nv_index_;
}

Result<> Use::write_auth(const SecretBytes& auth) const {
  TPM2B_NV_PUBLIC shape{};
  shape.nvPublic.nvIndex = nv_index_;
  shape.nvPublic.nameAlg = TPM2_ALG_SHA256;
  shape.nvPublic.attributes = TPMA_NV_OWNERWRITE | TPMA_NV_OWNERREAD | TPMA_NV_NO_DA;
  shape.nvPublic.dataSize = auth_size;
  const TPM2B_AUTH no_auth{};
  ESYS_TR index = ESYS_TR_NONE;
  GIMS_TRY(tpm_->check(Esys_NV_DefineSpace(tpm_->esys(), ESYS_TR_RH_OWNER, session_.get(),
                                           ESYS_TR_NONE, ESYS_TR_NONE, &no_auth, &shape, &index),
                       "TPM2_NV_DefineSpace"));
  TPM2B_MAX_NV_BUFFER data{};
  data.size = auth_size;
  std::ranges::copy(auth.bytes(), data.buffer);
  GIMS_TRY(tpm_->encrypt(session_.get(), TPMA_SESSION_DECRYPT));
  const TSS2_RC written = Esys_NV_Write(tpm_->esys(), ESYS_TR_RH_OWNER, index, session_.get(),
                                        ESYS_TR_NONE, ESYS_TR_NONE, &data, 0);
  wipe_object(data);
  GIMS_TRY(tpm_->encrypt(session_.get(), 0));
  return tpm_->check(written, "TPM2_NV_Write");
}

Result<SecretBytes> Use::read_auth() const {
  GIMS_TRY_ASSIGN(const bool there, has_auth());
  if (!there) {
    return custody(
        "This TPM does not hold the site's authorisation value: it was cleared, or the site was "
        "zeroized.");
  }
  GIMS_TRY_ASSIGN(const ESYS_TR index, nv_handle());
  GIMS_TRY(tpm_->encrypt(session_.get(), TPMA_SESSION_ENCRYPT));
  Given<TPM2B_MAX_NV_BUFFER> data;
  GIMS_TRY(tpm_->check(Esys_NV_Read(tpm_->esys(), ESYS_TR_RH_OWNER, index, session_.get(),
                                    ESYS_TR_NONE, ESYS_TR_NONE, auth_size, 0, data.out()),
                       "TPM2_NV_Read"));
  GIMS_TRY(tpm_->encrypt(session_.get(), 0));
  auto auth = auth_value_of(*data.get());
  wipe_object(*data.get());
  return auth;
}

Result<> Use::delete_auth() const {
  GIMS_TRY_ASSIGN(const ESYS_TR index, nv_handle());
  return tpm_->check(Esys_NV_UndefineSpace(tpm_->esys(), ESYS_TR_RH_OWNER, index, session_.get(),
                                           ESYS_TR_NONE, ESYS_TR_NONE),
                     "TPM2_NV_UndefineSpace");
}

Result<StoredObject> Use::create(const TPM2B_PUBLIC& shape, const SecretBytes& auth,
                                 BytesView data) const {
  GIMS_CHECK(auth.size() == auth_size);
  TPM2B_SENSITIVE_CREATE sensitive{};
  sensitive.sensitive.userAuth.size = auth_size;
  std::ranges::copy(auth.bytes(), sensitive.sensitive.userAuth.buffer);
  sensitive.sensitive.data.size = static_cast<UINT16>(data.size());
  std::ranges::copy(data, sensitive.sensitive.data.buffer);
  const TPM2B_DATA no_data{};
  const TPML_PCR_SELECTION no_pcrs{};
  Given<TPM2B_PRIVATE> private_area;
  Given<TPM2B_PUBLIC> public_area;
  GIMS_TRY(tpm_->encrypt(session_.get(), TPMA_SESSION_DECRYPT | TPMA_SESSION_ENCRYPT));
  const TSS2_RC created = Esys_Create(
      tpm_->esys(), storage_.object.get(), session_.get(), ESYS_TR_NONE, ESYS_TR_NONE, &sensitive,
      &shape, &no_data, &no_pcrs, private_area.out(), public_area.out(), nullptr, nullptr, nullptr);
  wipe_object(sensitive);
  GIMS_TRY(tpm_->encrypt(session_.get(), 0));
  GIMS_TRY(tpm_->check(created, "TPM2_Create"));
  return StoredObject{.public_area = *public_area.get(), .private_area = *private_area.get()};
}

Result<Loaded> Use::load(const StoredObject& object, const SecretBytes& auth) const {
  GIMS_CHECK(auth.size() == auth_size);
  ESYS_TR handle = ESYS_TR_NONE;
  GIMS_TRY(tpm_->check(Esys_Load(tpm_->esys(), storage_.object.get(), session_.get(), ESYS_TR_NONE,
                                 ESYS_TR_NONE, &object.private_area, &object.public_area, &handle),
                       "TPM2_Load"));
  Loaded loaded(tpm_->esys(), handle);
  TPM2B_AUTH value{};
  value.size = auth_size;
  std::ranges::copy(auth.bytes(), value.buffer);
  const TSS2_RC set = Esys_TR_SetAuth(tpm_->esys(), handle, &value);
  wipe_object(value);
  GIMS_TRY(tpm_->check(set, "Esys_TR_SetAuth"));
  return loaded;
}

Result<SecretBytes> Use::unseal(const Loaded& object) const {
  GIMS_TRY_ASSIGN(const Loaded policy, start_policy_session());
  GIMS_TRY(tpm_->encrypt(policy.get(), TPMA_SESSION_ENCRYPT));
  Given<TPM2B_SENSITIVE_DATA> data;
  GIMS_TRY(tpm_->check(
      Esys_Unseal(tpm_->esys(), object.get(), policy.get(), ESYS_TR_NONE, ESYS_TR_NONE, data.out()),
      "TPM2_Unseal"));
  auto secret = SecretBytes::copy_of({data.get()->buffer, data.get()->size});
  wipe_object(*data.get());
  return secret;
}

Result<P256Signature> Use::sign(const Loaded& key, const Digest& digest) const {
  GIMS_TRY_ASSIGN(const Loaded policy, start_policy_session());
  TPM2B_DIGEST input{};
  input.size = static_cast<UINT16>(digest.size());
  std::ranges::copy(digest, input.buffer);
  const TPMT_SIG_SCHEME scheme{.scheme = TPM2_ALG_ECDSA,
                               .details = {.ecdsa = {.hashAlg = TPM2_ALG_SHA256}}};
  // An unrestricted key signs a digest that was made outside: no ticket.
  TPMT_TK_HASHCHECK no_ticket{};
  no_ticket.tag = TPM2_ST_HASHCHECK;
  no_ticket.hierarchy = TPM2_RH_NULL;
  Given<TPMT_SIGNATURE> signature;
  GIMS_TRY(tpm_->check(Esys_Sign(tpm_->esys(), key.get(), policy.get(), ESYS_TR_NONE, ESYS_TR_NONE,
                                 &input, &scheme, &no_ticket, signature.out()),
                       "TPM2_Sign"));
  P256Signature plain;
  const TPMS_SIGNATURE_ECC& ecdsa = signature.get()->signature.ecdsa;
  if (signature.get()->sigAlg != TPM2_ALG_ECDSA || !copy_padded(ecdsa.signatureR, plain.r) ||
      !copy_padded(ecdsa.signatureS, plain.s)) {
    return custody("The TPM's signature is not one of ECDSA over P-256.");
  }
  return plain;
}

class Tpm2Vault final : public Vault {
 public:
  explicit Tpm2Vault(Options options) : options_(std::move(options)) {}

  std::string kind() const override { return "tpm2"; }

  Result<Info> info() override {
    GIMS_TRY_ASSIGN(const auto tpm, Connection::open(options_));
    const std::uint32_t maker = tpm->manufacturer();
    Info info{.description = "TPM 2.0 (", .software = is_development_tpm(options_.address, maker)};
    for (int shift = 24; shift >= 0; shift -= 8) {
      const auto c = static_cast<char>((maker >> shift) & 0xffU);
      if (c > ' ' && c < 0x7f) info.description.push_back(c);
    }
    info.description += info.software ? ", software)" : ")";
    return info;
  }

  Result<Sealed> provision(const SecretBytes& root_key, bool replace) override {
    Bytes storage_name;
    auto sealed = [&]() -> Result<Sealed> {
      GIMS_TRY_ASSIGN(Use use, Use::begin(options_));
      GIMS_TRY(use.start_session());
      GIMS_TRY_ASSIGN(const bool used, use.has_auth());
      if (used && !replace) {
        return custody(
            "This TPM holds the keys of an earlier site. If they are to be destroyed, say that "
            "they are to be replaced.");
      }
      if (used) GIMS_TRY(use.delete_auth());
      storage_name = use.storage_name();
      return seal(use, root_key);
    }();
    // The index may be there already. The connection may be what failed: on a new one.
    if (!sealed && !storage_name.empty()) {
      if (const auto undone = destroy_in(storage_name); !undone) {
        sealed.error().text += " What was begun may be in the TPM still (" + undone.error().text +
                               "): provisioning again has to be told to replace it.";
      }
    }
    return sealed;
  }

  Result<Opened> open(BytesView bytes) override {
    GIMS_TRY_ASSIGN(const Blob blob, decode_blob(bytes));
    GIMS_TRY_ASSIGN(Use use, begin_pinned(blob.storage_name));
    GIMS_TRY_ASSIGN(const SecretBytes auth, use.read_auth());
    Opened opened;
    {
      GIMS_TRY_ASSIGN(const Loaded sealed, use.load(blob.sealed, auth));
      GIMS_TRY_ASSIGN(opened.root_key, use.unseal(sealed));
    }
    // Loaded to see now, and not at the next leaf, that the TPM takes it.
    GIMS_TRY(use.load(blob.ca_key, auth));
    GIMS_TRY_ASSIGN(opened.ca_public, point_of(blob.ca_key.public_area));
    return opened;
  }

  Result<P256Signature> sign(BytesView bytes, const Digest& digest) override {
    GIMS_TRY_ASSIGN(const Blob blob, decode_blob(bytes));
    GIMS_TRY_ASSIGN(Use use, begin_pinned(blob.storage_name));
    GIMS_TRY_ASSIGN(const SecretBytes auth, use.read_auth());
    GIMS_TRY_ASSIGN(const Loaded key, use.load(blob.ca_key, auth));
    return use.sign(key, digest);
  }

  Result<Destruction> destroy(BytesView bytes) override {
    GIMS_TRY_ASSIGN(const Blob blob, decode_blob(bytes));
    return destroy_in(blob.storage_name);
  }

 private:
  static Result<Sealed> seal(const Use& use, const SecretBytes& root_key) {
    GIMS_TRY_ASSIGN(const SecretBytes auth, SecretBytes::random(auth_size));
    GIMS_TRY(use.write_auth(auth));
    Blob blob{.storage_name = use.storage_name(), .sealed = {}, .ca_key = {}};
    GIMS_TRY_ASSIGN(blob.sealed, use.create(sealed_template(policy()), auth, root_key.bytes()));
    GIMS_TRY_ASSIGN(blob.ca_key, use.create(signing_template(policy()), auth, {}));
    Sealed sealed;
    GIMS_TRY_ASSIGN(sealed.ca_public, point_of(blob.ca_key.public_area));
    GIMS_TRY_ASSIGN(sealed.blob, encode_blob(blob));
    return sealed;
  }
  Result<Use> begin_pinned(BytesView storage_name) const {
    GIMS_TRY_ASSIGN(Use use, Use::begin(options_));
    GIMS_TRY(use.check_pin(storage_name));
    GIMS_TRY(use.start_session());
    return use;
  }
  Result<Destruction> destroy_in(BytesView storage_name) const {
    GIMS_TRY_ASSIGN(const Use use, begin_pinned(storage_name));
    GIMS_TRY_ASSIGN(const bool there, use.has_auth());
    if (!there) return Destruction::nothing_there;
    GIMS_TRY(use.delete_auth());
    return Destruction::done;
  }

  const Options options_;
};

}  // namespace

Result<Address> parse_address(std::string_view tcti) {
  if (tcti.starts_with(device_prefix)) {
    const std::string_view path = tcti.substr(device_prefix.size());
    if (path == the_device) return Address{.swtpm = false, .path = std::string(path)};
  }
  if (tcti.starts_with(swtpm_prefix)) {
    const std::string_view path = tcti.substr(swtpm_prefix.size());
    if (path.starts_with('/')) return Address{.swtpm = true, .path = std::string(path)};
  }
  return fail(ErrorKind::bad_input, "GIMS_CONFIG",
              "must be \"device:/dev/tpmrm0\" or \"swtpm:path=/…\", the data socket of a swtpm");
}

bool is_development_tpm(const Address& address, std::uint32_t manufacturer) noexcept {
  return address.swtpm && (manufacturer == manufacturer_ibm || manufacturer == manufacturer_sw);
}

std::unique_ptr<Vault> make_vault(Options options) {
  return std::make_unique<Tpm2Vault>(std::move(options));
}

}  // namespace gims::hsm::tpm2
