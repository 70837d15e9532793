#include "hsm/ca/p256.hpp"

#include <mbedtls/ecdh.h>
#include <mbedtls/ecdsa.h>
#include <mbedtls/ecp.h>
#include <sodium.h>

#include <algorithm>

#include "base/wipe.hpp"

namespace gims::hsm {
namespace {

// The start of every P-256 SubjectPublicKeyInfo, up to the point.
constexpr std::array<std::uint8_t, 26> spki_start{
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01,
    0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00};

// More than mbedTLS has on the stack for a computation.
constexpr std::size_t computing_depth = std::size_t{32} * 1024;

// mbedTLS asks for one to blind its computations.
int random_bytes(void* /*context*/, unsigned char* out, size_t size) {
  randombytes_buf(out, size);
  return 0;
}

// Numbers and points in the forms that mbedTLS computes with; wiped when they go.
struct Curve {
  mbedtls_ecp_group group;
  Curve() {
    mbedtls_ecp_group_init(&group);
    good = mbedtls_ecp_group_load(&group, MBEDTLS_ECP_DP_SECP256R1) == 0;
  }
  Curve(const Curve&) = delete;
  Curve& operator=(const Curve&) = delete;
  ~Curve() { mbedtls_ecp_group_free(&group); }
  bool good = false;
};
struct Number {
  mbedtls_mpi value;
  Number() { mbedtls_mpi_init(&value); }
  Number(const Number&) = delete;
  Number& operator=(const Number&) = delete;
  ~Number() { mbedtls_mpi_free(&value); }
  bool read(BytesView bytes) {
    return mbedtls_mpi_read_binary(&value, bytes.data(), bytes.size()) == 0;
  }
  bool write(std::span<std::uint8_t> bytes) const {
    return mbedtls_mpi_write_binary(&value, bytes.data(), bytes.size()) == 0;
  }
};
struct Point {
  mbedtls_ecp_point value;
  Point() { mbedtls_ecp_point_init(&value); }
  Point(const Point&) = delete;
  Point& operator=(const Point&) = delete;
  ~Point() { mbedtls_ecp_point_free(&value); }
  bool read(const Curve& curve, const P256Point& bytes) {
    return mbedtls_ecp_point_read_binary(&curve.group, &value, bytes.data(), bytes.size()) == 0 &&
           mbedtls_ecp_check_pubkey(&curve.group, &value) == 0;
  }
};

std::unexpected<Error> failed() {
  return fail(ErrorKind::internal, "GIMS_KEYD_INTERNAL", "A computation with P-256 failed.");
}

}  // namespace

Result<P256Key> generate_p256() {
  Curve curve;
  Number scalar;
  GIMS_TRY_ASSIGN(SecretBytes bytes, SecretBytes::zeroed(32));
  if (!curve.good ||
      mbedtls_ecp_gen_privkey(&curve.group, &scalar.value, random_bytes, nullptr) != 0 ||
      !scalar.write(bytes.writable())) {
    return failed();
  }
  return p256_from_scalar(std::move(bytes));
}

Result<P256Key> p256_from_scalar(SecretBytes bytes) {
  Curve curve;
  Number scalar;
  Point point;
  P256Key key{.scalar = std::move(bytes), .public_key = {}};
  std::size_t size = 0;
  if (!curve.good || key.scalar.size() != 32 || !scalar.read(key.scalar.bytes()) ||
      mbedtls_ecp_check_privkey(&curve.group, &scalar.value) != 0 ||
      mbedtls_ecp_mul(&curve.group, &point.value, &scalar.value, &curve.group.G, random_bytes,
                      nullptr) != 0 ||
      mbedtls_ecp_point_write_binary(&curve.group, &point.value, MBEDTLS_ECP_PF_UNCOMPRESSED, &size,
                                     key.public_key.data(), key.public_key.size()) != 0 ||
      size != key.public_key.size()) {
    return failed();
  }
  return key;
}

Result<P256Signature> p256_sign(const P256Key& key, const Digest& digest) {
  Curve curve;
  Number scalar;
  Number r;
  Number s;
  P256Signature signature;
  const bool made =
      curve.good && scalar.read(key.scalar.bytes()) &&
      mbedtls_ecdsa_sign_det_ext(&curve.group, &r.value, &s.value, &scalar.value, digest.data(),
                                 digest.size(), MBEDTLS_MD_SHA256, random_bytes, nullptr) == 0 &&
      r.write(signature.r) && s.write(signature.s);
  // From the private number the generator of RFC 6979 is seeded, in an array that stays as it is.
  wipe_stack(computing_depth);
  if (!made) return failed();
  return signature;
}

bool p256_verify(const P256Point& public_key, const Digest& digest,
                 const P256Signature& signature) {
  Curve curve;
  Point point;
  Number r;
  Number s;
  return curve.good && point.read(curve, public_key) && r.read(signature.r) &&
         s.read(signature.s) &&
         mbedtls_ecdsa_verify(&curve.group, digest.data(), digest.size(), &point.value, &r.value,
                              &s.value) == 0;
}

Result<SecretBytes> p256_agree(const P256Key& own, const P256Point& other) {
  Curve curve;
  Number scalar;
  Point point;
  Number x;
  GIMS_TRY_ASSIGN(SecretBytes shared, SecretBytes::zeroed(32));
  if (!curve.good || !scalar.read(own.scalar.bytes()) || !point.read(curve, other) ||
      mbedtls_ecdh_compute_shared(&curve.group, &x.value, &point.value, &scalar.value, random_bytes,
                                  nullptr) != 0 ||
      !x.write(shared.writable())) {
    return failed();
  }
  return shared;
}

Bytes spki_of(const P256Point& public_key) {
  Bytes spki(spki_start.begin(), spki_start.end());
  spki.insert(spki.end(), public_key.begin(), public_key.end());
  return spki;
}

Result<P256Point> point_of_spki(BytesView spki) {
  P256Point bytes{};
  Curve curve;
  Point point;
  if (spki.size() == spki_start.size() + bytes.size() &&
      std::ranges::equal(spki.first(spki_start.size()), spki_start)) {
    std::ranges::copy(spki.subspan(spki_start.size()), bytes.begin());
    if (bytes[0] == 4 && curve.good && point.read(curve, bytes)) return bytes;
  }
  return fail(ErrorKind::bad_input, "GIMS_KEYD_REQUEST",
              "The public key must be a SubjectPublicKeyInfo of a P-256 key, uncompressed.");
}

}  // namespace gims::hsm
