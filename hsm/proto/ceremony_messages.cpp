#include "hsm/proto/ceremony_messages.hpp"

#include <algorithm>
#include <utility>

#include "hsm/proto/bytes.hpp"
#include "hsm/proto/fields.hpp"

namespace gims::hsm {
namespace {

// A number that stands for one of 1 to `last`.
template <class Enum>
Enum read_enum(Reader& reader, std::uint8_t last) {
  const std::uint8_t number = reader.u8();
  if (number < 1 || number > last) reader.refuse();
  return static_cast<Enum>(number);
}

// No groups: there is no scheme, and so no threshold.
ShareScheme read_scheme(Reader& reader) {
  ShareScheme scheme;
  scheme.group_threshold = reader.u8();
  const std::uint8_t groups = reader.u8();
  if (groups > max_share_groups) reader.refuse();
  for (std::uint8_t i = 0; i < groups && reader.good(); ++i) {
    ShareGroup group;
    group.threshold = reader.u8();
    group.count = reader.u8();
    if (group.threshold < 1 || group.threshold > group.count || group.count > max_share_members) {
      reader.refuse();
    }
    scheme.groups.push_back(group);
  }
  if (scheme.group_threshold > groups || (groups > 0 && scheme.group_threshold < 1)) {
    reader.refuse();
  }
  return scheme;
}

bool names_administrators(CeremonyKind kind) {
  return kind == CeremonyKind::provision || kind == CeremonyKind::restore ||
         kind == CeremonyKind::administrators;
}

// Nothing, or one key.
Result<SecretBytes> read_key(Reader& reader) {
  const BytesView key = reader.bytes(key_size);
  if (!key.empty() && key.size() != key_size) reader.refuse();
  if (key.empty() || !reader.good()) return SecretBytes();
  return SecretBytes::copy_of(key);
}

ShareRequest read_share_request(Reader& reader) {
  ShareRequest share;
  share.id = reader.u64();
  share.group = reader.u8();
  share.member = reader.u8();
  if (share.group >= max_share_groups || share.member >= max_share_members) reader.refuse();
  return share;
}

BytesView read_words(Reader& reader) {
  const BytesView words = reader.bytes(max_share);
  if (words.empty()) reader.refuse();
  return words;
}

CeremonyReply::Group read_group(Reader& reader) {
  CeremonyReply::Group group;
  group.group = reader.u8();
  group.threshold = reader.u8();
  group.given = reader.u8();
  if (group.group >= max_share_groups || group.threshold < 1 ||
      group.threshold > max_share_members || group.given > group.threshold) {
    reader.refuse();
  }
  return group;
}

}  // namespace

std::string_view name_of(CeremonyKind kind) noexcept {
  switch (kind) {
    case CeremonyKind::provision:
      return "provision";
    case CeremonyKind::reshare:
      return "reshare";
    case CeremonyKind::restore:
      return "restore";
    case CeremonyKind::accept:
      return "accept";
    case CeremonyKind::renew_ca:
      return "renew_ca";
    case CeremonyKind::administrators:
      return "administrators";
  }
  return "unknown";
}

void encode(Writer& writer, const ShareScheme& value) {
  writer.u8(value.groups.empty() ? 0 : value.group_threshold);
  writer.u8(static_cast<std::uint8_t>(value.groups.size()));
  for (const ShareGroup& group : value.groups) {
    writer.u8(group.threshold);
    writer.u8(group.count);
  }
}

Result<ShareScheme> decode_scheme(BytesView body) {
  Reader reader(body);
  ShareScheme scheme = read_scheme(reader);
  return finished(reader, std::move(scheme));
}

void encode(Writer& writer, const CeremonyRequest& value) {
  writer.u8(static_cast<std::uint8_t>(value.kind));
  const bool makes_shares =
      value.kind == CeremonyKind::provision || value.kind == CeremonyKind::reshare;
  if (value.kind == CeremonyKind::provision) {
    encode(writer, value.site);
    writer.bytes(value.dev_root_key.bytes());
  }
  if (value.kind == CeremonyKind::provision || value.kind == CeremonyKind::restore) {
    write_flag(writer, value.replace);
  }
  if (makes_shares) {
    encode(writer, value.scheme);
    write_flag(writer, value.confirm);
    writer.bytes(value.dev_recovery_secret.bytes());
  }
  if (value.kind == CeremonyKind::restore) writer.bytes(value.recovery_file);
  if (names_administrators(value.kind)) writer.bytes(value.administrators);
}

Result<CeremonyRequest> decode_ceremony_request(BytesView body) {
  Reader reader(body);
  CeremonyRequest request;
  request.kind = read_enum<CeremonyKind>(reader, last_ceremony);
  const bool makes_shares =
      request.kind == CeremonyKind::provision || request.kind == CeremonyKind::reshare;
  if (request.kind == CeremonyKind::provision) {
    request.site = read_site(reader);
    GIMS_TRY_ASSIGN(request.dev_root_key, read_key(reader));
  }
  if (request.kind == CeremonyKind::provision || request.kind == CeremonyKind::restore) {
    request.replace = read_flag(reader);
  }
  if (makes_shares) {
    request.scheme = read_scheme(reader);
    if (request.scheme.groups.empty()) reader.refuse();
    request.confirm = read_flag(reader);
    GIMS_TRY_ASSIGN(request.dev_recovery_secret, read_key(reader));
  }
  if (request.kind == CeremonyKind::restore) {
    request.recovery_file = copy(reader.bytes(max_recovery_file));
  }
  if (names_administrators(request.kind)) {
    request.administrators = copy(reader.bytes(max_administrators_list));
  }
  return finished(reader, std::move(request));
}

void encode(Writer& writer, const CeremonyReply& value) {
  writer.u64(value.id);
  writer.u8(static_cast<std::uint8_t>(value.kind));
  writer.u8(static_cast<std::uint8_t>(value.stage));
  writer.u32(value.generation);
  writer.u8(value.groups_needed);
  writer.u8(static_cast<std::uint8_t>(value.groups.size()));
  for (const CeremonyReply::Group& group : value.groups) {
    writer.u8(group.group);
    writer.u8(group.threshold);
    writer.u8(group.given);
  }
  writer.u8(static_cast<std::uint8_t>(value.taken));
  encode(writer, value.hands_out);
  writer.u16(value.handed_out);
}

Result<CeremonyReply> decode_ceremony(BytesView body) {
  Reader reader(body);
  CeremonyReply reply;
  reply.id = reader.u64();
  reply.kind = read_enum<CeremonyKind>(reader, last_ceremony);
  reply.stage = read_enum<CeremonyStage>(reader, last_stage);
  reply.generation = reader.u32();
  reply.groups_needed = reader.u8();
  const std::uint8_t groups = reader.u8();
  if (groups > max_share_groups || reply.groups_needed > max_share_groups) reader.refuse();
  for (std::uint8_t i = 0; i < groups && reader.good(); ++i) {
    reply.groups.push_back(read_group(reader));
  }
  const std::uint8_t taken = reader.u8();
  if (taken > static_cast<std::uint8_t>(CeremonyReply::Taken::surplus)) reader.refuse();
  reply.taken = static_cast<CeremonyReply::Taken>(taken);
  reply.hands_out = read_scheme(reader);
  reply.handed_out = reader.u16();
  return finished(reader, std::move(reply));
}

void encode(Writer& writer, const GiveRequest& value) {
  writer.u64(value.id);
  writer.bytes(value.words);
}

Result<GiveRequest> decode_give(BytesView body) {
  Reader reader(body);
  GiveRequest give;
  give.id = reader.u64();
  give.words = read_words(reader);
  return finished(reader, give);
}

void encode(Writer& writer, const ShareRequest& value) {
  writer.u64(value.id);
  writer.u8(value.group);
  writer.u8(value.member);
}

Result<ShareRequest> decode_share_request(BytesView body) {
  Reader reader(body);
  const ShareRequest share = read_share_request(reader);
  return finished(reader, share);
}

void encode(Writer& writer, const ConfirmRequest& value) {
  encode(writer, value.which);
  writer.bytes(value.words);
}

Result<ConfirmRequest> decode_confirm(BytesView body) {
  Reader reader(body);
  ConfirmRequest confirm;
  confirm.which = read_share_request(reader);
  confirm.words = read_words(reader);
  return finished(reader, confirm);
}

void encode(Writer& writer, const FinishRequest& value) { writer.u64(value.id); }

Result<FinishRequest> decode_finish_request(BytesView body) {
  Reader reader(body);
  const FinishRequest finish{.id = reader.u64()};
  return finished(reader, finish);
}

void encode(Writer& writer, const FinishReply& value) {
  writer.u32(value.generation);
  writer.raw(value.root_sha256);
  writer.text(value.text);
}

Result<FinishReply> decode_finish(BytesView body) {
  Reader reader(body);
  FinishReply reply;
  reply.generation = reader.u32();
  read_fixed(reader, reply.root_sha256);
  reply.text = reader.text(max_outcome);
  return finished(reader, std::move(reply));
}

void encode(Writer& writer, const RecoveryFileReply& value) { writer.bytes(value.file); }

Result<RecoveryFileReply> decode_recovery_file(BytesView body) {
  Reader reader(body);
  RecoveryFileReply reply;
  reply.file = copy(reader.bytes(max_recovery_file));
  return finished(reader, std::move(reply));
}

void encode_words(Writer& writer, std::string_view words) { writer.bytes(bytes_of(words)); }

Result<SecretBytes> decode_words(BytesView body) {
  Reader reader(body);
  const BytesView words = read_words(reader);
  if (!reader.finish()) return finished(reader, SecretBytes());
  return SecretBytes::copy_of(words);
}

}  // namespace gims::hsm
