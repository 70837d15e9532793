// Sites and their recovery, for tests of ceremonies.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "hsm/ca/p256.hpp"
#include "support/keyd_site.hpp"

namespace gims::test {

using Shares = std::vector<std::string>;

inline hsm::CeremonyRequest request(hsm::CeremonyKind kind) {
  hsm::CeremonyRequest request = provision_request();
  request.kind = kind;
  return request;
}

// What clients and gimsd know a site by.
struct Identity {
  hsm::Bytes root;
  hsm::Bytes data_key;
  std::string server_key;
  bool operator==(const Identity&) const = default;
};
inline Identity identity_of(const hsm::Custodian& custodian) {
  const auto keys = custodian.data_keys();
  return {.root = custodian.site_root().certificate,
          .data_key = {keys->data.bytes().begin(), keys->data.bytes().end()},
          .server_key = custodian.server_key().key_id};
}

inline Result<hsm::LeafReply> leaf_of(hsm::Custodian& custodian) {
  return custodian.sign_leaf({.public_key = hsm::spki_of(hsm::generate_p256()->public_key)});
}

inline hsm::RecoveryRecord record_of(hsm::Custodian& custodian) {
  return *hsm::decode_recovery(custodian.recovery_file()->file);
}

inline hsm::CeremonyRequest restore_from(hsm::Bytes file) {
  hsm::CeremonyRequest asked = request(hsm::CeremonyKind::restore);
  asked.recovery_file = std::move(file);
  return asked;
}

}  // namespace gims::test
