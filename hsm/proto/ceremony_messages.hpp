// What the requests and replies of ceremonies hold; as messages.hpp.
#pragma once

#include "hsm/proto/messages.hpp"

namespace gims::hsm {

inline constexpr std::size_t max_share_groups = 16;   // SLIP-0039 allows no more,
inline constexpr std::size_t max_share_members = 16;  // nor of one group
inline constexpr std::size_t max_share = 1024;        // bytes of a share as it is typed
inline constexpr std::size_t max_recovery_file = std::size_t{24} * 1024;
inline constexpr std::size_t max_outcome = 1024;  // of a finished ceremony, as a text
inline constexpr std::size_t max_administrators_list = std::size_t{12} * 1024;

// How the recovery secret is divided: so many groups are needed, and of each so many of its
// members.
struct ShareGroup {
  std::uint8_t threshold = 1;
  std::uint8_t count = 1;

  bool operator==(const ShareGroup&) const = default;
};
struct ShareScheme {
  std::uint8_t group_threshold = 1;
  std::vector<ShareGroup> groups;  // 1 to max_share_groups

  bool operator==(const ShareScheme&) const = default;
};

// What people meet for (docs/protocol-keyd.md, "Ceremonies").
enum class CeremonyKind : std::uint8_t {
  provision = 1,  // a new site: its keys, and the shares of its recovery secret
  reshare = 2,    // a new recovery secret and new shares, by the quorum of the old
  restore = 3,    // the site's keys into this hardware, by the quorum
  accept = 4,     // an older copy of gims-keyd's files or of the database is the newest there is
  renew_ca = 5,   // a new issuing CA
  administrators = 6,  // who may approve: where too few are left who could say so themselves
};
inline constexpr std::uint8_t last_ceremony = 6;
[[nodiscard]] std::string_view name_of(CeremonyKind kind) noexcept;

// Travels with the fields that its kind has.
struct CeremonyRequest {
  CeremonyKind kind = CeremonyKind::provision;
  SiteParameters site;  // provision
  // provision, restore: the hardware holds the keys of an earlier site, which are to be destroyed.
  bool replace = false;
  // provision, reshare:
  ShareScheme scheme;
  bool confirm = true;  // each new share is typed again before the end
  // Development: the recovery secret (provision, reshare) and the root key (provision) to use;
  // refused when the hardware is not a software TPM. Empty: random.
  SecretBytes dev_recovery_secret;
  SecretBytes dev_root_key;
  Bytes recovery_file;  // restore; empty: what lies in the state folder
  // provision, administrators: who may approve (hsm/approval/registry.hpp). restore: the same;
  // empty: those that custody.bin has, if it is there, and else nobody.
  Bytes administrators;
};

enum class CeremonyStage : std::uint8_t {
  gather = 1,    // shares of the quorum are to be given
  hand_out = 2,  // new shares are to be shown and typed again
  ready = 3,     // to be finished
};
inline constexpr std::uint8_t last_stage = 3;

// Where a ceremony stands.
struct CeremonyReply {
  std::uint64_t id = 0;
  CeremonyKind kind = CeremonyKind::provision;
  CeremonyStage stage = CeremonyStage::gather;
  std::uint32_t generation = 0;  // of the shares that are to be given; 0: none are
  // Of those: further complete groups, of no meaning before the first share, and groups of which
  // there is a share.
  std::uint8_t groups_needed = 0;
  struct Group {
    std::uint8_t group = 0;  // from 0
    std::uint8_t threshold = 1;
    std::uint8_t given = 0;

    bool operator==(const Group&) const = default;
  };
  std::vector<Group> groups;
  enum class Taken : std::uint8_t { nothing = 0, accepted = 1, duplicate = 2, surplus = 3 };
  Taken taken = Taken::nothing;  // what became of the share that this answers
  ShareScheme hands_out;         // no groups: there are no new shares
  std::uint16_t handed_out = 0;  // how many of the new shares are done
};

// A share as it was typed, in the frame.
struct GiveRequest {
  std::uint64_t id = 0;
  BytesView words;
};
struct ShareRequest {
  std::uint64_t id = 0;
  std::uint8_t group = 0;
  std::uint8_t member = 0;
};
struct ConfirmRequest {
  ShareRequest which;
  BytesView words;
};
struct FinishRequest {
  std::uint64_t id = 0;
};

struct FinishReply {
  std::uint32_t generation = 0;                // of the shares that are in force
  std::array<std::uint8_t, 32> root_sha256{};  // of the site root's certificate
  // What was done, for a person: it is, also where gims-keyd is locked after it.
  std::string text;
};

struct RecoveryFileReply {
  Bytes file;
};

void encode(Writer& writer, const ShareScheme& value);
void encode(Writer& writer, const CeremonyRequest& value);
void encode(Writer& writer, const CeremonyReply& value);
void encode(Writer& writer, const GiveRequest& value);
void encode(Writer& writer, const ShareRequest& value);
void encode(Writer& writer, const ConfirmRequest& value);
void encode(Writer& writer, const FinishRequest& value);
void encode(Writer& writer, const FinishReply& value);
void encode(Writer& writer, const RecoveryFileReply& value);

[[nodiscard]] Result<ShareScheme> decode_scheme(BytesView body);
[[nodiscard]] Result<CeremonyRequest> decode_ceremony_request(BytesView body);
[[nodiscard]] Result<CeremonyReply> decode_ceremony(BytesView body);
// The words point into the body.
[[nodiscard]] Result<GiveRequest> decode_give(BytesView body);
[[nodiscard]] Result<ShareRequest> decode_share_request(BytesView body);
[[nodiscard]] Result<ConfirmRequest> decode_confirm(BytesView body);
[[nodiscard]] Result<FinishRequest> decode_finish_request(BytesView body);
[[nodiscard]] Result<FinishReply> decode_finish(BytesView body);
[[nodiscard]] Result<RecoveryFileReply> decode_recovery_file(BytesView body);
// A share's words: 1 to max_share bytes, and nothing else.
void encode_words(Writer& writer, std::string_view words);
[[nodiscard]] Result<SecretBytes> decode_words(BytesView body);

}  // namespace gims::hsm
