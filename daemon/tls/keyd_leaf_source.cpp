#include "tls/keyd_leaf_source.hpp"

#include <mbedtls/ecp.h>
#include <mbedtls/pk.h>

#include <array>

#include "hsm/proto/client.hpp"
#include "tls/mbedtls_error.hpp"

namespace gims::tls {
namespace {

class Key {
 public:
  Key() { mbedtls_pk_init(&key_); }
  Key(const Key&) = delete;
  Key& operator=(const Key&) = delete;
  ~Key() { mbedtls_pk_free(&key_); }

  Result<> generate() {
    int code = mbedtls_pk_setup(&key_, mbedtls_pk_info_from_type(MBEDTLS_PK_ECKEY));
    if (code == 0) {
      code =
          mbedtls_ecp_gen_key(MBEDTLS_ECP_DP_SECP256R1, mbedtls_pk_ec(key_), random_bytes, nullptr);
    }
    if (code != 0) return fail_mbedtls("making a key", code);
    return {};
  }

  // mbedTLS writes both forms at the end of the room it is given.
  Result<std::vector<std::uint8_t>> public_der() const {
    std::array<std::uint8_t, 128> room{};
    const int size = mbedtls_pk_write_pubkey_der(&key_, room.data(), room.size());
    if (size < 0) return fail_mbedtls("writing a public key", size);
    return std::vector<std::uint8_t>(room.end() - size, room.end());
  }
  Result<SecretBytes> private_der() const {
    GIMS_TRY_ASSIGN(SecretBytes room, SecretBytes::zeroed(256));
    const auto bytes = room.writable();
    const int size = mbedtls_pk_write_key_der(&key_, bytes.data(), bytes.size());
    if (size < 0) return fail_mbedtls("writing a key", size);
    return SecretBytes::copy_of(bytes.last(static_cast<std::size_t>(size)));
  }

 private:
  mbedtls_pk_context key_;
};

}  // namespace

KeydLeafSource::KeydLeafSource(std::string socket_path, std::chrono::seconds lifetime,
                               std::vector<int> stop)
    : path_(std::move(socket_path)), lifetime_(lifetime), stop_(std::move(stop)) {}
KeydLeafSource::~KeydLeafSource() = default;

Result<> KeydLeafSource::connect() {
  if (client_) return {};
  GIMS_TRY_ASSIGN(client_, hsm::Client::connect(path_, hsm::Client::default_limit, stop_));
  return {};
}

Result<> KeydLeafSource::ready() {
  GIMS_TRY(connect());
  GIMS_TRY_ASSIGN(const hsm::StatusReply status, client_->status());
  if (status.state == hsm::State::operational) return {};
  std::string text = "gims-keyd is " + std::string(hsm::name_of(status.state));
  if (!status.reason.empty()) text += ": " + status.reason;
  return fail(ErrorKind::unavailable, "GIMS_KEYD_STATE", text);
}

Result<Leaf> KeydLeafSource::obtain() {
  GIMS_TRY(connect());
  Key key;
  GIMS_TRY(key.generate());
  hsm::LeafRequest request;
  GIMS_TRY_ASSIGN(request.public_key, key.public_der());
  request.lifetime_seconds = static_cast<std::uint32_t>(lifetime_.count());
  GIMS_TRY_ASSIGN(hsm::LeafReply reply, client_->sign_leaf(request));
  Leaf leaf;
  GIMS_TRY_ASSIGN(leaf.private_key, key.private_der());
  leaf.chain = std::move(reply.chain);
  leaf.not_before = reply.not_before * 1000;
  leaf.not_after = reply.not_after * 1000;
  return leaf;
}

}  // namespace gims::tls
