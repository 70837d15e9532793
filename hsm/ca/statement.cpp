#include "hsm/ca/statement.hpp"

#include <string_view>

#include "hsm/proto/bytes.hpp"

namespace gims::hsm {
namespace {

constexpr std::string_view audit_label = "gims audit head 1\n";
constexpr std::string_view release_label = "gims release 1\n";

}  // namespace

Digest audit_statement(const AuditHead& head, const AttestNonce& nonce) {
  std::array<std::uint8_t, sizeof head.sequence> sequence{};
  std::uint64_t rest = head.sequence;
  for (std::size_t i = sequence.size(); i-- > 0; rest >>= 8U) {
    sequence.at(i) = static_cast<std::uint8_t>(rest);
  }
  return sha256({bytes_of(audit_label), sequence, head.hash, nonce});
}

Digest release_statement(const AttestNonce& nonce) {
  return sha256({bytes_of(release_label), nonce});
}

}  // namespace gims::hsm
