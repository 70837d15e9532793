// Verifying ECDSA over P-256 in tests.
#pragma once

#include <mbedtls/ecdsa.h>

#include "hsm/ca/p256.hpp"

namespace gims::test {

inline bool p256_verifies(const hsm::P256Point& public_key, const hsm::Digest& digest,
                          const hsm::P256Signature& signature) {
  mbedtls_ecp_group group;
  mbedtls_ecp_point point;
  mbedtls_mpi r;
  mbedtls_mpi s;
  mbedtls_ecp_group_init(&group);
  mbedtls_ecp_point_init(&point);
  mbedtls_mpi_init(&r);
  mbedtls_mpi_init(&s);
  const bool good =
      mbedtls_ecp_group_load(&group, MBEDTLS_ECP_DP_SECP256R1) == 0 &&
      mbedtls_ecp_point_read_binary(&group, &point, public_key.data(), public_key.size()) == 0 &&
      mbedtls_mpi_read_binary(&r, signature.r.data(), signature.r.size()) == 0 &&
      mbedtls_mpi_read_binary(&s, signature.s.data(), signature.s.size()) == 0 &&
      mbedtls_ecdsa_verify(&group, digest.data(), digest.size(), &point, &r, &s) == 0;
  mbedtls_mpi_free(&s);
  mbedtls_mpi_free(&r);
  mbedtls_ecp_point_free(&point);
  mbedtls_ecp_group_free(&group);
  return good;
}

}  // namespace gims::test
