#include "hsm/pkcs11/objects.hpp"

#include <algorithm>
#include <tuple>

#include "hsm/ca/hex.hpp"
#include "hsm/core/keys.hpp"
#include "hsm/pkcs11/errors.hpp"

namespace gims::hsm::pkcs11 {
namespace {

// prime256v1 as a named curve: the DER of its object identifier (RFC 5480, section 2.1.1.1).
constexpr std::array<std::uint8_t, 10> p256_curve{0x06, 0x08, 0x2a, 0x86, 0x48,
                                                  0xce, 0x3d, 0x03, 0x01, 0x07};
// Ed25519, by its object identifier (RFC 8410, section 3) and by its name, a PrintableString:
// tokens know one of them (PKCS#11 v3.0, section 2.3.10).
constexpr std::array<std::uint8_t, 5> ed25519_curve{0x06, 0x03, 0x2b, 0x65, 0x70};
constexpr std::array<std::uint8_t, 14> ed25519_name{0x13, 0x0c, 'e', 'd', 'w', 'a', 'r',
                                                    'd',  's',  '2', '5', '5', '1', '9'};

// A token may take a template and make something else of it.
Result<> check_never_leaves(const Session& session, CK_OBJECT_HANDLE key) {
  const auto is = [&](CK_ATTRIBUTE_TYPE type, CK_BBOOL wanted) -> Result<bool> {
    GIMS_TRY_ASSIGN(const Bytes value, session.attribute(key, type, sizeof(CK_BBOOL)));
    return value.size() == sizeof(CK_BBOOL) && value[0] == wanted;
  };
  GIMS_TRY_ASSIGN(const bool sensitive, is(CKA_SENSITIVE, CK_TRUE));
  GIMS_TRY_ASSIGN(const bool stays, is(CKA_EXTRACTABLE, CK_FALSE));
  GIMS_TRY_ASSIGN(const bool made_here, is(CKA_LOCAL, CK_TRUE));
  if (sensitive && stays && made_here) return {};
  return refused(ErrorKind::internal,
                 "The token makes keys that can be read out of it, so it keeps none of this site.");
}

// CKA_EC_POINT is the point in a DER OCTET STRING; some modules give the point itself, or, for
// Edwards' curve, a BIT STRING.
template <std::size_t size>
Result<std::array<std::uint8_t, size>> point_of(const Session& session,
                                                CK_OBJECT_HANDLE public_key) {
  static_assert(size < 0x80);
  const std::array<Bytes, 3> heads{Bytes{}, Bytes{0x04, size}, Bytes{0x03, size + 1, 0x00}};
  GIMS_TRY_ASSIGN(const Bytes value, session.attribute(public_key, CKA_EC_POINT, size + 3));
  for (const Bytes& head : heads) {
    if (value.size() != head.size() + size ||
        !std::ranges::equal(head, std::span(value).first(head.size()))) {
      continue;
    }
    std::array<std::uint8_t, size> point{};
    std::ranges::copy(std::span(value).last(size), point.begin());
    return point;
  }
  return refused(ErrorKind::internal, "The token's signing key is not of the curve asked for.");
}

struct Pair {
  CK_OBJECT_HANDLE public_key = CK_INVALID_HANDLE;
  CK_OBJECT_HANDLE private_key = CK_INVALID_HANDLE;
};

struct PairKind {
  CK_KEY_TYPE type;
  CK_MECHANISM_TYPE mechanism;
  BytesView curve;
};

// What the module answers; the pair is for signing, and its private half never readable.
CK_RV generate_pair(const Session& session, const PairKind& kind, std::string_view label,
                    BytesView id, Pair& pair) {
  Template open_half;
  open_half.number(CKA_KEY_TYPE, kind.type)
      .bytes(CKA_EC_PARAMS, kind.curve)
      .text(CKA_LABEL, label)
      .bytes(CKA_ID, id)
      .flag(CKA_TOKEN, true)
      .flag(CKA_PRIVATE, false)
      .flag(CKA_VERIFY, true);
  Template private_half;
  private_half.number(CKA_KEY_TYPE, kind.type)
      .text(CKA_LABEL, label)
      .bytes(CKA_ID, id)
      .flag(CKA_TOKEN, true)
      .flag(CKA_PRIVATE, true)
      .flag(CKA_SENSITIVE, true)
      .flag(CKA_EXTRACTABLE, false)
      .flag(CKA_SIGN, true)
      .flag(CKA_DERIVE, false);
  CK_MECHANISM mechanism{.mechanism = kind.mechanism, .pParameter = nullptr, .ulParameterLen = 0};
  return session.functions().C_GenerateKeyPair(
      session.handle(), &mechanism, open_half.data(), open_half.size(), private_half.data(),
      private_half.size(), &pair.public_key, &pair.private_key);
}

// Neither form of a curve is known to the token.
bool is_about_the_curve(CK_RV value) {
  return value == CKR_CURVE_NOT_SUPPORTED || value == CKR_DOMAIN_PARAMS_INVALID ||
         value == CKR_ATTRIBUTE_VALUE_INVALID || value == CKR_TEMPLATE_INCONSISTENT ||
         value == CKR_MECHANISM_PARAM_INVALID;
}

Result<Signature> sign_by(const Session& session, CK_MECHANISM_TYPE type, CK_OBJECT_HANDLE key,
                          BytesView input) {
  CK_MECHANISM mechanism{.mechanism = type, .pParameter = nullptr, .ulParameterLen = 0};
  GIMS_TRY(check(session.functions().C_SignInit(session.handle(), &mechanism, key), "C_SignInit"));
  Signature output{};
  CK_ULONG size = output.size();
  // The module only reads the input; the interface has no const.
  auto* data = const_cast<std::uint8_t*>(input.data());  // NOLINT
  GIMS_TRY(
      check(session.functions().C_Sign(session.handle(), data, input.size(), output.data(), &size),
            "C_Sign"));
  if (size == output.size()) return output;
  return refused(ErrorKind::internal,
                 "The token's signature has not the length that it must have.");
}

// It signs the longest event there may be, as RFC 8032 says.
Result<bool> signs_events(const Session& session, CK_OBJECT_HANDLE key, const Ed25519Point& point) {
  const Bytes longest(max_event, 'g');
  const auto signature = sign_message(session, key, longest);
  // Modules tell in many ways that a message is too long. A token that is gone says it again.
  if (!signature) GIMS_TRY(session.token_info());
  return signature && server_key_verifies(point, longest, *signature);
}

Result<> destroy(const Session& session, std::span<const CK_OBJECT_HANDLE> objects) {
  for (const CK_OBJECT_HANDLE object : objects) {
    const CK_RV value = session.functions().C_DestroyObject(session.handle(), object);
    // Some modules destroy a pair with one of its halves.
    if (value == CKR_OBJECT_HANDLE_INVALID) continue;
    GIMS_TRY(check(value, "C_DestroyObject"));
  }
  return {};
}

bool is_of_seal(BytesView id, const ObjectId& seal) {
  return id.size() >= seal.size() && std::ranges::equal(id.first(seal.size()), seal);
}

// Of the wrapping keys and CA keys, those whose id is `wanted`.
template <class Wanted>
Result<> destroy_seals(const Session& session, const Wanted& wanted) {
  std::vector<CK_OBJECT_HANDLE> chosen;
  for (const std::string_view name : {label::wrapping, label::ca}) {
    Template like;
    like.text(CKA_LABEL, name);
    GIMS_TRY_ASSIGN(const auto found, session.find(like));
    for (const CK_OBJECT_HANDLE object : found) {
      GIMS_TRY_ASSIGN(const Bytes id, session.attribute(object, CKA_ID, 64));
      if (wanted(BytesView(id))) chosen.push_back(object);
    }
  }
  return destroy(session, chosen);
}

// CKA_APPLICATION of the counter: a data object has no CKA_ID.
std::string application_of(const ObjectId& id) { return "gims " + hex(id); }

struct CounterObject {
  CK_OBJECT_HANDLE object = CK_INVALID_HANDLE;
  std::uint64_t value = 0;
};

Result<std::vector<CK_OBJECT_HANDLE>> find_counters(const Session& session, const ObjectId& id) {
  const std::string application = application_of(id);
  Template like;
  like.number(CKA_CLASS, CKO_DATA)
      .text(CKA_LABEL, label::counter)
      .text(CKA_APPLICATION, application);
  return session.find(like);
}

// The highest last.
Result<std::vector<CounterObject>> counters(const Session& session, const ObjectId& id) {
  GIMS_TRY_ASSIGN(const auto objects, find_counters(session, id));
  std::vector<CounterObject> found;
  for (const CK_OBJECT_HANDLE object : objects) {
    GIMS_TRY_ASSIGN(const Bytes bytes, session.attribute(object, CKA_VALUE, sizeof(std::uint64_t)));
    Reader reader(bytes);
    const std::uint64_t value = reader.u64();
    if (!reader.finish()) return refused(ErrorKind::internal, "The token's counter is damaged.");
    found.push_back({.object = object, .value = value});
  }
  if (found.empty()) {
    return refused(ErrorKind::unavailable,
                   "The token does not hold the unit's counter: it is another token, or the "
                   "counter was removed.");
  }
  std::ranges::sort(found, {}, &CounterObject::value);
  return found;
}

}  // namespace

Result<CK_OBJECT_HANDLE> make_wrapping_key(const Session& session, const ObjectId& id,
                                           Wrapping wrapping) {
  const bool gcm = wrapping == Wrapping::gcm;
  Template wanted;
  wanted.number(CKA_CLASS, CKO_SECRET_KEY)
      .number(CKA_KEY_TYPE, CKK_AES)
      .number(CKA_VALUE_LEN, 32)
      .text(CKA_LABEL, label::wrapping)
      .bytes(CKA_ID, id)
      .flag(CKA_TOKEN, true)
      .flag(CKA_PRIVATE, true)
      .flag(CKA_SENSITIVE, true)
      .flag(CKA_EXTRACTABLE, false)
      .flag(CKA_ENCRYPT, gcm)
      .flag(CKA_DECRYPT, gcm)
      .flag(CKA_WRAP, !gcm)
      .flag(CKA_UNWRAP, !gcm)
      .flag(CKA_SIGN, false)
      .flag(CKA_VERIFY, false);
  CK_MECHANISM mechanism{.mechanism = CKM_AES_KEY_GEN, .pParameter = nullptr, .ulParameterLen = 0};
  CK_OBJECT_HANDLE key = CK_INVALID_HANDLE;
  GIMS_TRY(check(session.functions().C_GenerateKey(session.handle(), &mechanism, wanted.data(),
                                                   wanted.size(), &key),
                 "C_GenerateKey"));
  GIMS_TRY(check_never_leaves(session, key));
  return key;
}

Bytes ca_id_of(const BlobHead& head) {
  Bytes id(head.seal.begin(), head.seal.end());
  id.insert(id.end(), head.ca.begin(), head.ca.end());
  return id;
}

Result<P256Point> make_pair(const Session& session, std::string_view label, BytesView id) {
  Pair pair;
  GIMS_TRY(
      check(generate_pair(session,
                          {.type = CKK_EC, .mechanism = CKM_EC_KEY_PAIR_GEN, .curve = p256_curve},
                          label, id, pair),
            "C_GenerateKeyPair"));
  GIMS_TRY(check_never_leaves(session, pair.private_key));
  GIMS_TRY_ASSIGN(const P256Point point,
                  point_of<std::tuple_size_v<P256Point>>(session, pair.public_key));
  if (point[0] == 0x04) return point;
  return refused(ErrorKind::internal, "The token's signing key is not of the curve P-256.");
}

Result<std::optional<Ed25519Point>> make_server_pair(const Session& session, const ObjectId& unit) {
  GIMS_TRY_ASSIGN(const bool signs, session.can(CKM_EDDSA, CKF_SIGN));
  GIMS_TRY_ASSIGN(const bool makes,
                  session.can(CKM_EC_EDWARDS_KEY_PAIR_GEN, CKF_GENERATE_KEY_PAIR));
  if (!signs || !makes) return std::nullopt;
  Pair pair;
  PairKind kind{
      .type = CKK_EC_EDWARDS, .mechanism = CKM_EC_EDWARDS_KEY_PAIR_GEN, .curve = ed25519_curve};
  CK_RV made = generate_pair(session, kind, label::server, unit, pair);
  if (is_about_the_curve(made)) {
    kind.curve = ed25519_name;
    made = generate_pair(session, kind, label::server, unit, pair);
  }
  if (is_about_the_curve(made)) return std::nullopt;
  GIMS_TRY(check(made, "C_GenerateKeyPair"));
  GIMS_TRY(check_never_leaves(session, pair.private_key));
  GIMS_TRY_ASSIGN(const Ed25519Point point,
                  point_of<std::tuple_size_v<Ed25519Point>>(session, pair.public_key));
  GIMS_TRY_ASSIGN(const bool usable, signs_events(session, pair.private_key, point));
  if (usable) return point;
  const std::array<CK_OBJECT_HANDLE, 2> halves{pair.private_key, pair.public_key};
  GIMS_TRY(destroy(session, halves));
  return std::nullopt;
}

Result<CK_OBJECT_HANDLE> find_key(const Session& session, CK_OBJECT_CLASS kind,
                                  std::string_view label, BytesView id) {
  Template like;
  like.number(CKA_CLASS, kind).text(CKA_LABEL, label).bytes(CKA_ID, id);
  GIMS_TRY_ASSIGN(const auto found, session.find(like));
  if (found.size() == 1) return found.front();
  return refused(ErrorKind::unavailable,
                 found.empty() ? "The token does not hold the site's keys: it is another token, it "
                                 "was cleared, or the site was zeroized."
                               : "The token holds two keys where there should be one.",
                 label);
}

Result<bool> holds_unit(const Session& session, const ObjectId& unit) {
  Template like;
  like.bytes(CKA_ID, unit);
  GIMS_TRY_ASSIGN(const auto keys, session.find(like));
  GIMS_TRY_ASSIGN(const auto counters, find_counters(session, unit));
  return !keys.empty() || !counters.empty();
}

Result<std::vector<CK_OBJECT_HANDLE>> find_ours(const Session& session) {
  std::vector<CK_OBJECT_HANDLE> all;
  for (const std::string_view name :
       {label::wrapping, label::ca, label::attestation, label::server, label::counter}) {
    Template like;
    like.text(CKA_LABEL, name);
    GIMS_TRY_ASSIGN(const auto found, session.find(like));
    all.insert(all.end(), found.begin(), found.end());
  }
  return all;
}

Result<> destroy_ours(const Session& session) {
  GIMS_TRY_ASSIGN(const auto ours, find_ours(session));
  GIMS_TRY(destroy(session, ours));
  GIMS_TRY_ASSIGN(const auto left, find_ours(session));
  if (left.empty()) return {};
  return refused(ErrorKind::internal,
                 "The token did not destroy " + std::to_string(left.size()) +
                     " of the site's objects: destroy them with the vendor's tool.");
}

Result<> destroy_other_seals(const Session& session, const ObjectId& kept) {
  return destroy_seals(session, [&](BytesView id) { return !is_of_seal(id, kept); });
}

Result<> destroy_seal(const Session& session, const ObjectId& seal) {
  return destroy_seals(session, [&](BytesView id) { return is_of_seal(id, seal); });
}

Result<> destroy_ca(const Session& session, const BlobHead& head) {
  const Bytes ca = ca_id_of(head);
  return destroy_seals(session, [&](BytesView id) { return std::ranges::equal(id, ca); });
}

Result<P256Signature> sign(const Session& session, CK_OBJECT_HANDLE key, const Digest& digest) {
  GIMS_TRY_ASSIGN(const Signature output, sign_by(session, CKM_ECDSA, key, digest));  // r and s
  P256Signature signature;
  std::ranges::copy(std::span(output).first<32>(), signature.r.begin());
  std::ranges::copy(std::span(output).last<32>(), signature.s.begin());
  return signature;
}

Result<Signature> sign_message(const Session& session, CK_OBJECT_HANDLE key, BytesView message) {
  return sign_by(session, CKM_EDDSA, key, message);
}

Result<> make_counter(const Session& session, const ObjectId& id, std::uint64_t value) {
  std::array<std::uint8_t, header_size + sizeof value> room{};
  Writer writer(room);
  writer.u64(value);
  const std::string application = application_of(id);
  Template wanted;
  wanted.number(CKA_CLASS, CKO_DATA)
      .text(CKA_LABEL, label::counter)
      .text(CKA_APPLICATION, application)
      .bytes(CKA_VALUE, writer.body())
      .flag(CKA_TOKEN, true)
      .flag(CKA_PRIVATE, true)
      .flag(CKA_MODIFIABLE, false);
  CK_OBJECT_HANDLE object = CK_INVALID_HANDLE;
  return check(
      session.functions().C_CreateObject(session.handle(), wanted.data(), wanted.size(), &object),
      "C_CreateObject");
}

Result<std::uint64_t> read_counter(const Session& session, const ObjectId& id) {
  GIMS_TRY_ASSIGN(const auto found, counters(session, id));
  return found.back().value;
}

Result<std::uint64_t> advance_counter(const Session& session, const ObjectId& id) {
  GIMS_TRY_ASSIGN(const auto found, counters(session, id));
  const std::uint64_t next = found.back().value + 1;
  GIMS_TRY(make_counter(session, id, next));
  std::vector<CK_OBJECT_HANDLE> old;
  for (const CounterObject& counter : found) old.push_back(counter.object);
  GIMS_TRY(destroy(session, old));
  return next;
}

}  // namespace gims::hsm::pkcs11
