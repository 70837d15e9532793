#include "hsm/pkcs11/objects.hpp"

#include <algorithm>

#include "hsm/pkcs11/errors.hpp"

namespace gims::hsm::pkcs11 {
namespace {

// prime256v1 as a named curve: the DER of its object identifier (RFC 5480, section 2.1.1.1).
constexpr std::array<std::uint8_t, 10> p256_curve{0x06, 0x08, 0x2a, 0x86, 0x48,
                                                  0xce, 0x3d, 0x03, 0x01, 0x07};

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

// CKA_EC_POINT is the point in a DER OCTET STRING; some modules give the point itself.
Result<P256Point> point_of(const Session& session, CK_OBJECT_HANDLE public_key) {
  P256Point point{};
  constexpr std::array<std::uint8_t, 2> octet_string{0x04, 65};
  GIMS_TRY_ASSIGN(const Bytes value,
                  session.attribute(public_key, CKA_EC_POINT, octet_string.size() + point.size()));
  BytesView plain = value;
  if (value.size() == octet_string.size() + point.size() &&
      std::ranges::equal(plain.first(octet_string.size()), octet_string)) {
    plain = plain.subspan(octet_string.size());
  }
  if (plain.size() != point.size() || plain[0] != 0x04) {
    return refused(ErrorKind::internal, "The token's signing key is not of the curve P-256.");
  }
  std::ranges::copy(plain, point.begin());
  return point;
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
std::string application_of(const ObjectId& id) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text = "gims ";
  for (const std::uint8_t byte : id) {
    text += digits[byte >> 4];
    text += digits[byte & 0xf];
  }
  return text;
}

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
  Template open_half;
  open_half.number(CKA_KEY_TYPE, CKK_EC)
      .bytes(CKA_EC_PARAMS, p256_curve)
      .text(CKA_LABEL, label)
      .bytes(CKA_ID, id)
      .flag(CKA_TOKEN, true)
      .flag(CKA_PRIVATE, false)
      .flag(CKA_VERIFY, true);
  Template private_half;
  private_half.number(CKA_KEY_TYPE, CKK_EC)
      .text(CKA_LABEL, label)
      .bytes(CKA_ID, id)
      .flag(CKA_TOKEN, true)
      .flag(CKA_PRIVATE, true)
      .flag(CKA_SENSITIVE, true)
      .flag(CKA_EXTRACTABLE, false)
      .flag(CKA_SIGN, true)
      .flag(CKA_DERIVE, false);
  CK_MECHANISM mechanism{
      .mechanism = CKM_EC_KEY_PAIR_GEN, .pParameter = nullptr, .ulParameterLen = 0};
  CK_OBJECT_HANDLE public_key = CK_INVALID_HANDLE;
  CK_OBJECT_HANDLE private_key = CK_INVALID_HANDLE;
  GIMS_TRY(check(session.functions().C_GenerateKeyPair(
                     session.handle(), &mechanism, open_half.data(), open_half.size(),
                     private_half.data(), private_half.size(), &public_key, &private_key),
                 "C_GenerateKeyPair"));
  GIMS_TRY(check_never_leaves(session, private_key));
  return point_of(session, public_key);
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
       {label::wrapping, label::ca, label::attestation, label::counter}) {
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

Result<> destroy_other_cas(const Session& session, const BlobHead& kept) {
  const Bytes ca = ca_id_of(kept);
  return destroy_seals(session, [&](BytesView id) {
    return id.size() == ca.size() && is_of_seal(id, kept.seal) && !std::ranges::equal(id, ca);
  });
}

Result<> destroy_seal(const Session& session, const ObjectId& seal) {
  return destroy_seals(session, [&](BytesView id) { return is_of_seal(id, seal); });
}

Result<P256Signature> sign(const Session& session, CK_OBJECT_HANDLE key, const Digest& digest) {
  CK_MECHANISM mechanism{.mechanism = CKM_ECDSA, .pParameter = nullptr, .ulParameterLen = 0};
  GIMS_TRY(check(session.functions().C_SignInit(session.handle(), &mechanism, key), "C_SignInit"));
  Digest input = digest;
  std::array<std::uint8_t, 64> output{};  // r and s
  CK_ULONG size = output.size();
  GIMS_TRY(check(session.functions().C_Sign(session.handle(), input.data(), input.size(),
                                            output.data(), &size),
                 "C_Sign"));
  if (size != output.size()) {
    return refused(ErrorKind::internal, "The token's signature is not one of ECDSA over P-256.");
  }
  P256Signature signature;
  std::ranges::copy(std::span(output).first<32>(), signature.r.begin());
  std::ranges::copy(std::span(output).last<32>(), signature.s.begin());
  return signature;
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
