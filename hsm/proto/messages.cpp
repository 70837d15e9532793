#include "hsm/proto/messages.hpp"

#include <algorithm>
#include <utility>

#include "hsm/proto/fields.hpp"

namespace gims::hsm {
namespace {

// Two sizes of an IP address.
bool is_address_size(std::size_t size) noexcept { return size == 4 || size == 16; }

struct CodeName {
  RefusalCode code;
  std::string_view name;
  ErrorKind kind;
};
constexpr std::array<CodeName, 16> code_names{{
    {RefusalCode::bad_frame, "GIMS_KEYD_FRAME", ErrorKind::bad_input},
    {RefusalCode::other_version, "GIMS_KEYD_VERSION", ErrorKind::bad_input},
    {RefusalCode::not_for_this_peer, "GIMS_KEYD_PEER", ErrorKind::forbidden},
    {RefusalCode::not_in_this_state, "GIMS_KEYD_STATE", ErrorKind::unavailable},
    {RefusalCode::bad_request, "GIMS_KEYD_REQUEST", ErrorKind::bad_input},
    {RefusalCode::went_back, "GIMS_KEYD_AUDIT", ErrorKind::conflict},
    {RefusalCode::custody, "GIMS_KEYD_CUSTODY", ErrorKind::unavailable},
    {RefusalCode::storage, "GIMS_KEYD_STORAGE", ErrorKind::unavailable},
    {RefusalCode::busy, "GIMS_KEYD_BUSY", ErrorKind::unavailable},
    {RefusalCode::internal, "GIMS_KEYD_INTERNAL", ErrorKind::internal},
    {RefusalCode::vault_away, "GIMS_KEYD_AWAY", ErrorKind::unavailable},
    {RefusalCode::other_boot, "GIMS_KEYD_BOOT", ErrorKind::unavailable},
    {RefusalCode::older, "GIMS_KEYD_OLDER", ErrorKind::unavailable},
    {RefusalCode::share, "GIMS_KEYD_SHARE", ErrorKind::bad_input},
    {RefusalCode::ceremony, "GIMS_KEYD_CEREMONY", ErrorKind::conflict},
    {RefusalCode::approval, "GIMS_KEYD_APPROVAL", ErrorKind::forbidden},
}};

}  // namespace

SiteParameters read_site(Reader& reader) {
  SiteParameters site;
  site.server_name = reader.text(max_name);
  site.organisation = reader.text(max_name);
  const std::uint16_t names = reader.u16();
  if (names > max_dns_names) reader.refuse();
  for (std::uint16_t i = 0; i < names && reader.good(); ++i) {
    site.dns_names.emplace_back(reader.text(max_name));
  }
  const std::uint16_t addresses = reader.u16();
  if (addresses > max_addresses) reader.refuse();
  for (std::uint16_t i = 0; i < addresses && reader.good(); ++i) {
    const BytesView address = reader.bytes(16);
    if (!is_address_size(address.size())) reader.refuse();
    site.addresses.push_back(copy(address));
  }
  return site;
}

void write_chain(Writer& writer, const std::vector<Bytes>& chain) {
  writer.u8(static_cast<std::uint8_t>(chain.size()));
  for (const Bytes& certificate : chain) writer.bytes(certificate);
}

std::vector<Bytes> read_chain(Reader& reader) {
  std::vector<Bytes> chain;
  const std::uint8_t certificates = reader.u8();
  if (certificates != 2) reader.refuse();
  for (std::uint8_t i = 0; i < certificates && reader.good(); ++i) {
    chain.push_back(copy(reader.bytes(max_certificate)));
  }
  return chain;
}

std::string_view name_of(State state) noexcept {
  switch (state) {
    case State::unprovisioned:
      return "unprovisioned";
    case State::locked:
      return "locked";
    case State::operational:
      return "operational";
    case State::zeroized:
      return "zeroized";
  }
  return "unknown";
}

Refusal refusal_of(const Error& error) {
  Refusal refusal{.code = RefusalCode::internal, .text = error.text.substr(0, max_text)};
  for (char& c : refusal.text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  }
  const auto* known = std::ranges::find(code_names, std::string_view(error.code), &CodeName::name);
  if (known != code_names.end()) refusal.code = known->code;
  return refusal;
}

Error error_of(const Refusal& refusal) {
  const auto* known = std::ranges::find(code_names, refusal.code, &CodeName::code);
  Error error;
  error.kind = known->kind;
  error.code = known->name;
  error.text = refusal.text;
  return error;
}

void encode(Writer& writer, const Refusal& value) {
  writer.u16(static_cast<std::uint16_t>(value.code));
  writer.text(value.text);
}

Result<Refusal> decode_refusal(BytesView body) {
  Reader reader(body);
  Refusal refusal;
  const std::uint16_t code = reader.u16();
  if (code < 1 || code > code_names.size()) {
    reader.refuse();
  } else {
    refusal.code = static_cast<RefusalCode>(code);
  }
  refusal.text = reader.text(max_text);
  return finished(reader, std::move(refusal));
}

void encode(Writer& writer, const SiteParameters& value) {
  writer.text(value.server_name);
  writer.text(value.organisation);
  writer.u16(static_cast<std::uint16_t>(value.dns_names.size()));
  for (const std::string& name : value.dns_names) writer.text(name);
  writer.u16(static_cast<std::uint16_t>(value.addresses.size()));
  for (const Bytes& address : value.addresses) writer.bytes(address);
}

Result<SiteParameters> decode_site(BytesView body) {
  Reader reader(body);
  SiteParameters site = read_site(reader);
  return finished(reader, std::move(site));
}

void encode(Writer& writer, const StatusReply& value) {
  writer.u8(static_cast<std::uint8_t>(value.state));
  writer.text(value.custody);
  writer.text(value.reason);
  writer.text(value.organisation);
  writer.text(value.server_name);
  writer.u64(value.uptime_seconds);
  writer.text(value.version);
  writer.u64(static_cast<std::uint64_t>(value.issuing_ca_end));
}

Result<StatusReply> decode_status(BytesView body) {
  Reader reader(body);
  StatusReply status;
  const std::uint8_t state = reader.u8();
  if (state < 1 || state > last_state) {
    reader.refuse();
  } else {
    status.state = static_cast<State>(state);
  }
  status.custody = reader.text(max_text);
  status.reason = reader.text(max_text);
  status.organisation = reader.text(max_name);
  status.server_name = reader.text(max_name);
  status.uptime_seconds = reader.u64();
  status.version = reader.text(max_name);
  status.issuing_ca_end = static_cast<std::int64_t>(reader.u64());
  return finished(reader, std::move(status));
}

void encode(Writer& writer, const ZeroizeRequest& value) { write_flag(writer, value.files_only); }

Result<ZeroizeRequest> decode_zeroize_request(BytesView body) {
  Reader reader(body);
  const ZeroizeRequest request{.files_only = read_flag(reader)};
  return finished(reader, request);
}

void encode(Writer& writer, const ZeroizeReply& value) { writer.text(value.doubt); }

Result<ZeroizeReply> decode_zeroize(BytesView body) {
  Reader reader(body);
  ZeroizeReply reply;
  reply.doubt = reader.text(max_text);
  return finished(reader, std::move(reply));
}

void encode(Writer& writer, const LeafRequest& value) {
  writer.bytes(value.public_key);
  writer.u32(value.lifetime_seconds);
}

Result<LeafRequest> decode_leaf_request(BytesView body) {
  Reader reader(body);
  LeafRequest request;
  request.public_key = copy(reader.bytes(max_public_key));
  request.lifetime_seconds = reader.u32();
  return finished(reader, std::move(request));
}

void encode(Writer& writer, const LeafReply& value) {
  writer.u64(static_cast<std::uint64_t>(value.not_before));
  writer.u64(static_cast<std::uint64_t>(value.not_after));
  write_chain(writer, value.chain);
}

Result<LeafReply> decode_leaf(BytesView body) {
  Reader reader(body);
  LeafReply leaf;
  leaf.not_before = static_cast<std::int64_t>(reader.u64());
  leaf.not_after = static_cast<std::int64_t>(reader.u64());
  leaf.chain = read_chain(reader);
  return finished(reader, std::move(leaf));
}

void encode(Writer& writer, const SiteRootReply& value) {
  writer.bytes(value.certificate);
  // PEM has line breaks, which text() does not take.
  writer.bytes({reinterpret_cast<const std::uint8_t*>(value.pem.data()), value.pem.size()});
  writer.raw(value.sha256);
}

Result<SiteRootReply> decode_site_root(BytesView body) {
  Reader reader(body);
  SiteRootReply root;
  root.certificate = copy(reader.bytes(max_certificate));
  const BytesView pem = reader.bytes(2 * max_certificate);
  root.pem.assign(pem.begin(), pem.end());
  read_fixed(reader, root.sha256);
  return finished(reader, std::move(root));
}

void encode(Writer& writer, const DataKeys& value) {
  for (const SecretBytes* key :
       {&value.data, &value.media, &value.token_hash, &value.audit, &value.backup, &value.pepper}) {
    writer.raw(key->bytes());
  }
}

Result<DataKeys> decode_data_keys(BytesView body) {
  DataKeys keys;
  Reader reader(body);
  // Before any of it is copied into locked memory, of which there is little.
  if (body.size() != 6 * key_size) reader.refuse();
  for (SecretBytes* key :
       {&keys.data, &keys.media, &keys.token_hash, &keys.audit, &keys.backup, &keys.pepper}) {
    GIMS_TRY_ASSIGN(*key, SecretBytes::copy_of(reader.raw(key_size)));
  }
  return finished(reader, std::move(keys));
}

void encode(Writer& writer, const ServerKeyReply& value) {
  writer.raw(value.public_key);
  writer.text(value.key_id);
}

Result<ServerKeyReply> decode_server_key(BytesView body) {
  Reader reader(body);
  ServerKeyReply key;
  read_fixed(reader, key.public_key);
  key.key_id = reader.text(max_name);
  return finished(reader, std::move(key));
}

void encode(Writer& writer, const AuditHead& value) {
  writer.u64(value.sequence);
  writer.raw(value.hash);
}

Result<AuditHead> decode_audit_head(BytesView body) {
  Reader reader(body);
  AuditHead head;
  head.sequence = reader.u64();
  read_fixed(reader, head.hash);
  return finished(reader, head);
}

void encode(Writer& writer, const StoreMark& value) {
  writer.u64(value.position);
  write_flag(writer, value.audit_entry.has_value());
  if (value.audit_entry) writer.u64(*value.audit_entry);
}

Result<StoreMark> decode_store_mark(BytesView body) {
  Reader reader(body);
  StoreMark mark;
  mark.position = reader.u64();
  if (read_flag(reader)) mark.audit_entry = reader.u64();
  return finished(reader, mark);
}

void encode(Writer& writer, std::span<const BytesView> events) {
  writer.u16(static_cast<std::uint16_t>(events.size()));
  for (const BytesView event : events) writer.bytes(event);
}

Result<std::vector<BytesView>> decode_events(BytesView body) {
  Reader reader(body);
  std::vector<BytesView> events;
  const std::uint16_t count = reader.u16();
  if (count < 1 || count > max_events) reader.refuse();
  for (std::uint16_t i = 0; i < count && reader.good(); ++i) {
    events.push_back(reader.bytes(max_event));
  }
  return finished(reader, std::move(events));
}

void encode(Writer& writer, std::span<const Signature> signatures) {
  writer.u16(static_cast<std::uint16_t>(signatures.size()));
  for (const Signature& signature : signatures) writer.raw(signature);
}

Result<std::vector<Signature>> decode_signatures(BytesView body) {
  Reader reader(body);
  std::vector<Signature> signatures;
  const std::uint16_t count = reader.u16();
  if (count < 1 || count > max_events) reader.refuse();
  for (std::uint16_t i = 0; i < count && reader.good(); ++i) {
    read_fixed(reader, signatures.emplace_back());
  }
  return finished(reader, std::move(signatures));
}

Result<> decode_nothing(BytesView body) {
  if (!body.empty()) {
    return fail(ErrorKind::bad_input, "GIMS_KEYD_FRAME", "This message has no fields.");
  }
  return {};
}

}  // namespace gims::hsm
