#include "hsm/proto/frame.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "base/check.hpp"

namespace gims::hsm {
namespace {

constexpr std::array<std::uint8_t, 2> magic{'G', 'K'};
constexpr std::string_view no_operation = "unknown";

std::unexpected<Error> bad_frame(std::string_view why) {
  return fail(ErrorKind::bad_input, "GIMS_KEYD_FRAME", "The frame is not well formed.", why);
}

}  // namespace

std::string_view name_of(Operation operation) noexcept {
  switch (operation) {
    case Operation::status:
      return "status";
    case Operation::ceremony_begin:
      return "ceremony_begin";
    case Operation::unlock:
      return "unlock";
    case Operation::zeroize:
      return "zeroize";
    case Operation::site_root:
      return "site_root";
    case Operation::sign_leaf:
      return "sign_leaf";
    case Operation::data_keys:
      return "data_keys";
    case Operation::server_key:
      return "server_key";
    case Operation::sign_events:
      return "sign_events";
    case Operation::extend_audit:
      return "extend_audit";
    case Operation::audit_head:
      return "audit_head";
    case Operation::mark_store:
      return "mark_store";
    case Operation::ceremony_give:
      return "ceremony_give";
    case Operation::ceremony_share:
      return "ceremony_share";
    case Operation::ceremony_confirm:
      return "ceremony_confirm";
    case Operation::ceremony_finish:
      return "ceremony_finish";
    case Operation::ceremony_abort:
      return "ceremony_abort";
    case Operation::recovery_file:
      return "recovery_file";
    case Operation::crl:
      return "crl";
    case Operation::attest:
      return "attest";
    case Operation::activate:
      return "activate";
    case Operation::certify_audit:
      return "certify_audit";
    case Operation::event_log:
      return "event_log";
    case Operation::propose:
      return "propose";
    case Operation::approve:
      return "approve";
    case Operation::proposals:
      return "proposals";
    case Operation::withdraw:
      return "withdraw";
    case Operation::administrators:
      return "administrators";
    case Operation::certify_device:
      return "certify_device";
    case Operation::revoke_device:
      return "revoke_device";
    case Operation::redeem:
      return "redeem";
    case Operation::acts:
      return "acts";
    case Operation::persons:
      return "persons";
    case Operation::unlock_with:
      return "unlock_with";
    case Operation::add_person:
      return "add_person";
    case Operation::volume_key:
      return "volume_key";
    case Operation::raise_release:
      return "raise_release";
    case Operation::relay_secret:
      return "relay_secret";
    case Operation::wifi_passphrase:
      return "wifi_passphrase";
    case Operation::certify_service:
      return "certify_service";
    case Operation::issuing_cas:
      return "issuing_cas";
    case Operation::vault_info:
      return "vault_info";
    case Operation::vault_probe:
      return "vault_probe";
    case Operation::vault_provision:
      return "vault_provision";
    case Operation::vault_open:
      return "vault_open";
    case Operation::vault_sign:
      return "vault_sign";
    case Operation::vault_renew_ca:
      return "vault_renew_ca";
    case Operation::vault_destroy:
      return "vault_destroy";
    case Operation::vault_counter:
      return "vault_counter";
    case Operation::vault_advance:
      return "vault_advance";
    case Operation::vault_settle:
      return "vault_settle";
    case Operation::vault_reseal:
      return "vault_reseal";
    case Operation::vault_sign_events:
      return "vault_sign_events";
  }
  return no_operation;
}

bool is_operation(std::uint16_t number) noexcept {
  return name_of(static_cast<Operation>(number)) != no_operation;
}

Result<Frame> decode_frame(BytesView message, OperationRange operations) {
  if (message.size() > max_frame_size) return bad_frame("longer than a frame may be");
  Reader reader(message);
  const BytesView start = reader.raw(magic.size());
  if (!std::ranges::equal(start, magic)) return bad_frame("no frame of this protocol");
  if (const std::uint8_t version = reader.u8(); reader.good() && version != protocol_version) {
    return fail(ErrorKind::bad_input, "GIMS_KEYD_VERSION",
                "This program speaks version " + std::to_string(protocol_version) +
                    " of its protocol, not " + std::to_string(version) + ".");
  }
  const std::uint8_t kind = reader.u8();
  const std::uint16_t operation = reader.u16();
  const std::uint16_t zero = reader.u16();
  const std::uint32_t number = reader.u32();
  const std::uint32_t length = reader.u32();
  if (!reader.good()) return bad_frame("shorter than a header");
  if (kind < 1 || kind > static_cast<std::uint8_t>(Kind::refusal)) return bad_frame("kind");
  if (operation < operations.first || operation > operations.last || !is_operation(operation)) {
    return bad_frame("operation");
  }
  if (zero != 0) return bad_frame("the field of zeros");
  if (message.size() - header_size != length) return bad_frame("length");
  return Frame{.header = {.kind = static_cast<Kind>(kind),
                          .operation = static_cast<Operation>(operation),
                          .number = number},
               .body = message.subspan(header_size)};
}

Writer::Writer(std::span<std::uint8_t> room) noexcept
    : room_(room.first(std::min(room.size(), max_frame_size))) {
  GIMS_CHECK(room.size() >= header_size);
}

void Writer::raw(BytesView bytes) noexcept {
  if (bytes.size() > room_.size() - header_size - size_) good_ = false;
  if (!good_) return;
  std::ranges::copy(bytes, room_.subspan(header_size + size_).begin());
  size_ += bytes.size();
}

void Writer::u8(std::uint8_t value) noexcept { raw({&value, 1}); }

void Writer::u16(std::uint16_t value) noexcept {
  u8(static_cast<std::uint8_t>(value >> 8));
  u8(static_cast<std::uint8_t>(value));
}

void Writer::u32(std::uint32_t value) noexcept {
  u16(static_cast<std::uint16_t>(value >> 16));
  u16(static_cast<std::uint16_t>(value));
}

void Writer::u64(std::uint64_t value) noexcept {
  u32(static_cast<std::uint32_t>(value >> 32));
  u32(static_cast<std::uint32_t>(value));
}

void Writer::bytes(BytesView bytes) noexcept {
  // A length that 32 bits cannot hold does not fit into the room either.
  u32(static_cast<std::uint32_t>(bytes.size()));
  raw(bytes);
}

void Writer::text(std::string_view text) noexcept {
  u32(static_cast<std::uint32_t>(text.size()));
  for (const char c : text) u8(static_cast<std::uint8_t>(c));
}

Result<BytesView> Writer::frame(const Header& header) {
  if (!good_) {
    return fail(ErrorKind::too_large, "GIMS_KEYD_FRAME",
                "A message may hold at most " + std::to_string(max_body_size) + " bytes.");
  }
  // The header's fields are written as a body that starts where the frame does.
  std::array<std::uint8_t, 2 * header_size> scratch{};
  Writer fields(scratch);
  fields.raw(magic);
  fields.u8(protocol_version);
  fields.u8(static_cast<std::uint8_t>(header.kind));
  fields.u16(static_cast<std::uint16_t>(header.operation));
  fields.u16(0);
  fields.u32(header.number);
  fields.u32(static_cast<std::uint32_t>(size_));
  std::ranges::copy(fields.body(), room_.begin());
  return room_.first(header_size + size_);
}

BytesView Reader::raw(std::size_t size) noexcept {
  if (!good_ || size > rest_.size()) {
    good_ = false;
    return {};
  }
  const BytesView field = rest_.first(size);
  rest_ = rest_.subspan(size);
  return field;
}

std::uint8_t Reader::u8() noexcept {
  const BytesView field = raw(1);
  return field.empty() ? std::uint8_t{0} : field[0];
}

std::uint16_t Reader::u16() noexcept {
  const std::uint32_t high = u8();
  return static_cast<std::uint16_t>((high << 8) | u8());
}

std::uint32_t Reader::u32() noexcept {
  const std::uint32_t high = u16();
  return (high << 16) | u16();
}

std::uint64_t Reader::u64() noexcept {
  const std::uint64_t high = u32();
  return (high << 32) | u32();
}

BytesView Reader::bytes(std::size_t most) noexcept {
  const std::uint32_t size = u32();
  if (size > most) good_ = false;
  return raw(size);
}

std::string_view Reader::text(std::size_t most) noexcept {
  const BytesView field = bytes(most);
  const auto control = [](std::uint8_t c) { return c < 0x20 || c == 0x7f; };
  if (std::ranges::any_of(field, control)) good_ = false;
  if (!good_) return {};
  return {reinterpret_cast<const char*>(field.data()), field.size()};
}

}  // namespace gims::hsm
