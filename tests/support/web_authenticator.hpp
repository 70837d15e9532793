// A FIDO2 authenticator and the browser before it: what they make of a site's options. A test
// changes it before it is signed.
#pragma once

#include <string>
#include <string_view>

#include "crypto/bytes.hpp"
#include "hsm/approval/registration.hpp"
#include "json/writer.hpp"
#include "support/approval_signer.hpp"
#include "support/cbor.hpp"

namespace gims::test {

class WebAuthenticator {
 public:
  explicit WebAuthenticator(hsm::approval::KeyKind kind = hsm::approval::KeyKind::webauthn_es256,
                            std::string name = "Asha")
      : signer_(std::move(name), kind) {}

  std::string origin = "https://gims.internal:8444";
  std::string rp_id = "gims.internal";
  std::uint8_t flags = 0x45;  // present, verified, a credential follows
  std::uint32_t counter = 0;  // grows with each use where it is not 0
  std::string format = "none";
  hsm::Bytes more_key;  // behind the credential's key
  bool spoil = false;   // the signature that packed has, or an assertion's

  [[nodiscard]] const hsm::approval::Administrator& about() const { return signer_.about(); }
  [[nodiscard]] std::string id() const {
    return crypto::base64(about().credential_id, crypto::Alphabet::url_safe);
  }

  [[nodiscard]] hsm::approval::Registration create(const hsm::approval::Challenge& challenge) {
    hsm::approval::Registration made;
    made.client_data_json = bytes_of(client_data("webauthn.create", challenge));
    const hsm::Bytes data = registration_data();
    CborWriter out;
    out.map(3).text("fmt").text(format).text("attStmt");
    if (format == "packed") {
      const hsm::Digest hash = sha256_of(made.client_data_json);
      hsm::Bytes signature = signer_.sign(data + hsm::Bytes(hash.begin(), hash.end()));
      if (spoil) signature.back() ^= 1U;
      out.map(2).text("alg").number(algorithm()).text("sig").bytes(signature);
    } else {
      out.map(0);
    }
    out.text("authData").bytes(data);
    made.attestation_object = out.out();
    return made;
  }

  [[nodiscard]] hsm::approval::Assertion get(const hsm::approval::Challenge& challenge) {
    if (counter != 0) ++counter;
    auto made = signer_.assert_with({.rp_id = rp_id,
                                     .flags = static_cast<std::uint8_t>(flags & 0x05U),
                                     .counter = counter,
                                     .more_data = {},
                                     .client_data = client_data("webauthn.get", challenge)});
    if (spoil) made.signature.back() ^= 1U;
    return made;
  }

  // As PublicKeyCredential.toJSON() writes them.
  [[nodiscard]] std::string registration_json(const hsm::approval::Challenge& challenge) {
    const auto made = create(challenge);
    json::Writer out;
    begin(out).member("clientDataJSON", url_safe(made.client_data_json));
    out.member("attestationObject", url_safe(made.attestation_object));
    // A browser's is the SubjectPublicKeyInfo; nobody reads it.
    out.member("publicKey", url_safe(about().public_key));
    out.member("publicKeyAlgorithm", algorithm()).end_object().end_object();
    return out.take();
  }
  [[nodiscard]] std::string assertion_json(const hsm::approval::Challenge& challenge) {
    const auto made = get(challenge);
    json::Writer out;
    begin(out).member("clientDataJSON", url_safe(made.client_data_json));
    out.member("authenticatorData", url_safe(made.authenticator_data));
    out.member("signature", url_safe(made.signature)).end_object().end_object();
    return out.take();
  }

 private:
  static std::string url_safe(const hsm::Bytes& bytes) {
    return crypto::base64(bytes, crypto::Alphabet::url_safe);
  }
  [[nodiscard]] std::int64_t algorithm() const {
    return hsm::approval::is_es256(about().kind) ? -7 : -8;
  }
  json::Writer& begin(json::Writer& out) const {
    out.begin_object().member("id", id()).member("rawId", id()).member("type", "public-key");
    return out.key("response").begin_object();
  }
  [[nodiscard]] std::string client_data(std::string_view type,
                                        const hsm::approval::Challenge& challenge) const {
    return R"({"type":")" + std::string(type) + R"(","challenge":")" + base64url(challenge) +
           R"(","origin":")" + origin + R"(","crossOrigin":false})";
  }
  // Authenticator data with attested credential data (WebAuthn Level 2, section 6.5.1).
  [[nodiscard]] hsm::Bytes registration_data() const {
    const hsm::Bytes& id = about().credential_id;
    hsm::Bytes attested(16);  // AAGUID
    attested.push_back(static_cast<std::uint8_t>(id.size() >> 8U));
    attested.push_back(static_cast<std::uint8_t>(id.size() & 0xffU));
    return Ceremony{.rp_id = rp_id,
                    .flags = flags,
                    .counter = counter,
                    .more_data = attested + id + cose_key() + more_key,
                    .client_data = {}}
        .authenticator_data();
  }
  [[nodiscard]] hsm::Bytes cose_key() const {
    const hsm::Bytes& key = about().public_key;
    CborWriter out;
    if (hsm::approval::is_es256(about().kind)) {
      out.map(5).number(1).number(2).number(3).number(-7).number(-1).number(1);
      out.number(-2).bytes(hsm::BytesView(key).subspan(1, 32));
      out.number(-3).bytes(hsm::BytesView(key).subspan(33, 32));
    } else {
      out.map(4).number(1).number(1).number(3).number(-8).number(-1).number(6);
      out.number(-2).bytes(key);
    }
    return out.out();
  }

  Signer signer_;
};

}  // namespace gims::test
