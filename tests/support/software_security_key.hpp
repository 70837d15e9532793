// A FIDO2 security key in memory, behind libfido2's own interface to a device: CTAP 2.0 with
// hmac-secret and PIN protocol 1 (Client to Authenticator Protocol, sections 6 and 12.5).
#pragma once

#include <fido.h>
#include <mbedtls/aes.h>
#include <mbedtls/ecp.h>
#include <sodium.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <string>
#include <utility>

#include "base/check.hpp"
#include "hsm/ca/p256.hpp"
#include "hsm/ca/sha256.hpp"
#include "hsm/factor/security_key.hpp"
#include "hsm/proto/bytes.hpp"
#include "support/cbor.hpp"

namespace gims::test {

// One at a time: libfido2's functions of a device have no room for a pointer of ours.
class SoftwareSecurityKey {
 public:
  explicit SoftwareSecurityKey(std::string pin = {}) : pin_(std::move(pin)) {
    GIMS_CHECK(current() == nullptr);
    current() = this;
  }
  SoftwareSecurityKey(const SoftwareSecurityKey&) = delete;
  SoftwareSecurityKey& operator=(const SoftwareSecurityKey&) = delete;
  ~SoftwareSecurityKey() { current() = nullptr; }

  Result<hsm::factor::SecurityKey> plug_in() {
    static constexpr fido_dev_io_t io{
        .open = [](const char*) -> void* { return current(); },
        .close = [](void*) {},
        .read = [](void*, unsigned char*, size_t, int) { return -1; },
        .write = [](void*, const unsigned char*, size_t) { return -1; }};
    static constexpr fido_dev_transport_t transport{.rx = receive, .tx = send};
    return hsm::factor::SecurityKey::open("in memory", &io, &transport);
  }

  // Its holder does not touch it.
  void leave_alone(bool alone) { alone_ = alone; }
  // It knows no credential of before.
  void reset() { credentials_.clear(); }
  bool hmac_secret = true;  // whether it has the extension
  int touched = 0;

 private:
  using Bytes = hsm::Bytes;
  using BytesView = hsm::BytesView;
  using Key32 = std::array<std::uint8_t, 32>;
  enum Status : std::uint8_t {
    ok = 0,
    unsupported_extension = 0x16,
    no_credentials = 0x2e,
    action_timeout = 0x3a,
    pin_invalid = 0x31,
    pin_auth_invalid = 0x33,
    pin_required = 0x36
  };
  // Of one credential: what its secrets follow from, without and with the holder verified.
  struct Secrets {
    Key32 plain{};
    Key32 verified{};
  };
  struct Answer {
    Status status = ok;
    Bytes body;
  };

  static SoftwareSecurityKey*& current() {
    static SoftwareSecurityKey* one = nullptr;
    return one;
  }

  static int send(fido_dev*, std::uint8_t command, const unsigned char* bytes, size_t size) {
    current()->take(command, BytesView(bytes, size));
    return 0;
  }
  static int receive(fido_dev*, std::uint8_t, unsigned char* room, size_t size, int) {
    const Bytes& answer = current()->answer_;
    if (answer.size() > size) return -1;
    std::ranges::copy(answer, room);
    return static_cast<int>(answer.size());
  }

  void take(std::uint8_t command, BytesView bytes) {
    answer_.clear();
    if (command == 0x06) {  // CTAPHID_INIT: the nonce, a channel, versions, "speaks CBOR"
      answer_.assign(bytes.begin(), bytes.end());
      const Bytes rest{1, 2, 3, 4, 2, 1, 0, 0, 0x04};
      answer_.insert(answer_.end(), rest.begin(), rest.end());
    }
    if (command == 0x10 && !bytes.empty()) {  // CTAPHID_CBOR
      const Answer made = answer(bytes[0], bytes.subspan(1));
      answer_.push_back(made.status);
      answer_.insert(answer_.end(), made.body.begin(), made.body.end());
    }
  }

  Answer answer(std::uint8_t command, BytesView request) {
    if (command == 0x04) return info();
    const Cbor parameters = CborReader(request).item();
    switch (command) {
      case 0x01:
        return make_credential(parameters);
      case 0x02:
        return get_assertion(parameters);
      case 0x06:
        return client_pin(parameters);
      default:
        return {.status = unsupported_extension, .body = {}};
    }
  }

  Answer info() const {
    CborWriter out;
    out.map(hmac_secret ? 5 : 4).number(1).array(1).text("FIDO_2_0");
    if (hmac_secret) out.number(2).array(1).text("hmac-secret");
    out.number(3).bytes(Bytes(16, 7));
    out.number(4).map(3).text("rk").flag(false).text("up").flag(true);
    out.text("clientPin").flag(!pin_.empty());
    out.number(6).array(1).number(1);
    return {.status = ok, .body = out.out()};
  }

  Answer client_pin(const Cbor& request) {
    CborWriter out;
    if (request.at(2).number == 2) {  // getKeyAgreement
      out.map(1).number(1);
      write_key(out, agreement_.public_key, -25);
      return {.status = ok, .body = out.out()};
    }
    GIMS_CHECK(request.at(2).number == 5);  // getPinToken
    const Key32 shared = shared_with(request.at(3));
    const Bytes hash = decrypted(shared, request.at(6).bytes);
    const hsm::Digest right = hsm::sha256({hsm::bytes_of(pin_)});
    if (!std::ranges::equal(hash, BytesView(right).first(16))) {
      return {.status = pin_invalid, .body = {}};
    }
    out.map(1).number(2).bytes(encrypted(shared, token_));
    return {.status = ok, .body = out.out()};
  }

  // What a request with a PIN has of it; null: nothing.
  Status verify(const Cbor& hash, const Cbor* pin_auth) const {
    if (pin_auth == nullptr) return pin_.empty() ? ok : pin_required;
    const Key32 mac = hmac(token_, hash.bytes);
    return std::ranges::equal(pin_auth->bytes, BytesView(mac).first(16)) ? ok : pin_auth_invalid;
  }

  Answer make_credential(const Cbor& request) {
    const Cbor* extensions = request.find(6);
    GIMS_CHECK(extensions != nullptr && extensions->find("hmac-secret") != nullptr);
    if (!hmac_secret) return {.status = unsupported_extension, .body = {}};
    const Status verified = verify(request.at(1), request.find(8));
    if (verified != ok) return {.status = verified, .body = {}};
    if (alone_) return {.status = action_timeout, .body = {}};
    ++touched;
    Bytes id(48);
    randombytes_buf(id.data(), id.size());
    Secrets& secrets = credentials_[id];
    randombytes_buf(&secrets, sizeof secrets);

    Bytes data = data_of(*request.at(2).find("id"), 0xc1);  // touched, with a key and extensions
    data.insert(data.end(), 16, 7);
    data.push_back(0);
    data.push_back(static_cast<std::uint8_t>(id.size()));
    data.insert(data.end(), id.begin(), id.end());
    CborWriter key;
    write_key(key, hsm::generate_p256()->public_key, -7);
    data.insert(data.end(), key.out().begin(), key.out().end());
    CborWriter extension;
    extension.map(1).text("hmac-secret").flag(true);
    data.insert(data.end(), extension.out().begin(), extension.out().end());
    CborWriter out;
    out.map(3).number(1).text("none").number(2).bytes(data).number(3).map(0);
    return {.status = ok, .body = out.out()};
  }

  Answer get_assertion(const Cbor& request) {
    const Cbor* id = request.at(3).items.at(0).find("id");
    const auto found = credentials_.find(id->bytes);
    if (found == credentials_.end()) return {.status = no_credentials, .body = {}};
    const Cbor* pin_auth = request.find(6);
    if (pin_auth != nullptr) {
      const Status verified = verify(request.at(2), pin_auth);
      if (verified != ok) return {.status = verified, .body = {}};
    }
    if (alone_) return {.status = action_timeout, .body = {}};
    ++touched;
    const Cbor& secret = *request.at(4).find("hmac-secret");
    const Key32 shared = shared_with(secret.at(1));
    const Key32 mac = hmac(shared, secret.at(2).bytes);
    if (!std::ranges::equal(secret.at(3).bytes, BytesView(mac).first(16))) {
      return {.status = pin_auth_invalid, .body = {}};
    }
    const Bytes salt = decrypted(shared, secret.at(2).bytes);
    const Key32 output =
        hmac(pin_auth != nullptr ? found->second.verified : found->second.plain, salt);

    Bytes data = data_of(*request.find(1), 0x81);
    CborWriter extension;
    extension.map(1).text("hmac-secret").bytes(encrypted(shared, output));
    data.insert(data.end(), extension.out().begin(), extension.out().end());
    CborWriter out;
    out.map(3).number(1).map(2).text("id").bytes(id->bytes).text("type").text("public-key");
    out.number(2).bytes(data).number(3).bytes(Bytes(70, 0x30));
    return {.status = ok, .body = out.out()};
  }

  // The beginning of authenticator data: the site's hash, flags, a counter.
  static Bytes data_of(const Cbor& relying_party, std::uint8_t flags) {
    const hsm::Digest hash = hsm::sha256({hsm::bytes_of(relying_party.text)});
    Bytes data(hash.begin(), hash.end());
    data.push_back(flags);
    data.insert(data.end(), {0, 0, 0, 1});
    return data;
  }

  static void write_key(CborWriter& out, const hsm::P256Point& point, std::int64_t algorithm) {
    out.map(5).number(1).number(2).number(3).number(algorithm).number(-1).number(1);
    out.number(-2).bytes(BytesView(point).subspan(1, 32));
    out.number(-3).bytes(BytesView(point).subspan(33, 32));
  }

  // SHA-256 of the x of the point that both have.
  Key32 shared_with(const Cbor& key) const {
    Bytes peer{0x04};
    for (const std::int64_t part : {-2, -3}) {
      const Bytes& coordinate = key.at(part).bytes;
      peer.insert(peer.end(), coordinate.begin(), coordinate.end());
    }
    const auto random = [](void*, unsigned char* room, size_t size) {
      randombytes_buf(room, size);
      return 0;
    };
    mbedtls_ecp_group group;
    mbedtls_ecp_point point;
    mbedtls_ecp_point product;
    mbedtls_mpi scalar;
    mbedtls_ecp_group_init(&group);
    mbedtls_ecp_point_init(&point);
    mbedtls_ecp_point_init(&product);
    mbedtls_mpi_init(&scalar);
    Bytes made(65);
    size_t size = 0;
    const auto own = agreement_.scalar.bytes();
    GIMS_CHECK(mbedtls_ecp_group_load(&group, MBEDTLS_ECP_DP_SECP256R1) == 0 &&
               mbedtls_ecp_point_read_binary(&group, &point, peer.data(), peer.size()) == 0 &&
               mbedtls_mpi_read_binary(&scalar, own.data(), own.size()) == 0 &&
               mbedtls_ecp_mul(&group, &product, &scalar, &point, random, nullptr) == 0 &&
               mbedtls_ecp_point_write_binary(&group, &product, MBEDTLS_ECP_PF_UNCOMPRESSED, &size,
                                              made.data(), made.size()) == 0);
    mbedtls_mpi_free(&scalar);
    mbedtls_ecp_point_free(&product);
    mbedtls_ecp_point_free(&point);
    mbedtls_ecp_group_free(&group);
    return hsm::sha256({BytesView(made).subspan(1, 32)});
  }

  static Key32 hmac(const Key32& key, BytesView message) {
    Key32 mac{};
    crypto_auth_hmacsha256(mac.data(), message.data(), message.size(), key.data());
    return mac;
  }

  static Bytes crypted(const Key32& key, BytesView input, int mode) {
    mbedtls_aes_context aes;
    mbedtls_aes_init(&aes);
    std::array<unsigned char, 16> iv{};
    Bytes output(input.size());
    const int set = mode == MBEDTLS_AES_ENCRYPT ? mbedtls_aes_setkey_enc(&aes, key.data(), 256)
                                                : mbedtls_aes_setkey_dec(&aes, key.data(), 256);
    GIMS_CHECK(set == 0 && mbedtls_aes_crypt_cbc(&aes, mode, input.size(), iv.data(), input.data(),
                                                 output.data()) == 0);
    mbedtls_aes_free(&aes);
    return output;
  }
  static Bytes encrypted(const Key32& key, BytesView input) {
    return crypted(key, input, MBEDTLS_AES_ENCRYPT);
  }
  static Bytes decrypted(const Key32& key, BytesView input) {
    return crypted(key, input, MBEDTLS_AES_DECRYPT);
  }

  const std::string pin_;
  const hsm::P256Key agreement_ = *hsm::generate_p256();
  const Key32 token_{1, 2, 3};
  std::map<Bytes, Secrets> credentials_;
  Bytes answer_;
  bool alone_ = false;
};

}  // namespace gims::test
