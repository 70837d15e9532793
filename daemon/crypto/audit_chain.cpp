#include "crypto/audit_chain.hpp"

#include <string>

namespace gims::crypto {
namespace {

constexpr std::string_view domain = "GIMS audit entry 1\n";

void append_number(std::string& out, std::uint64_t number) {
  for (int shift = 56; shift >= 0; shift -= 8) {
    out.push_back(static_cast<char>(static_cast<unsigned char>(number >> shift)));
  }
}

void append_text(std::string& out, std::string_view text) {
  append_number(out, text.size());
  out.append(text);
}

}  // namespace

Digest audit_hash(const Digest& before, const AuditLink& entry) {
  std::string message(domain);
  message.append(as_text(before));
  append_number(message, static_cast<std::uint64_t>(entry.sequence));
  append_number(message, static_cast<std::uint64_t>(entry.ts));
  for (const std::string_view text :
       {entry.actor, entry.origin, entry.act, entry.target, entry.detail}) {
    append_text(message, text);
  }
  return sha256(as_bytes(message));
}

}  // namespace gims::crypto
