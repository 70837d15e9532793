#include "hsm/release/release_policy.hpp"

#include <algorithm>

#include "sys/atomic_file.hpp"

namespace gims::hsm::release {
namespace {

constexpr std::string_view magic = "GIMSRPOL";
constexpr std::uint16_t file_version = 1;

// TPM 2.0 library part 2: TPM_ALG_ID, TPM_ECC_CURVE, TPMA_OBJECT.
constexpr std::uint16_t algorithm_sha256 = 0x000B;
constexpr std::uint16_t algorithm_null = 0x0010;
constexpr std::uint16_t algorithm_ecdsa = 0x0018;
constexpr std::uint16_t algorithm_ecc = 0x0023;
constexpr std::uint16_t curve_p256 = 0x0003;
constexpr std::uint32_t attributes_of_a_signing_key = 0x0004'0040;  // sign, userWithAuth

// What `fill` writes, without a frame around it.
template <class Fill>
Bytes written(const Fill& fill) {
  Bytes room(header_size + max_policy_file);
  Writer writer(room);
  fill(writer);
  return {writer.body().begin(), writer.body().end()};
}

// Part 1, section 16: the algorithm, and the hash of the public area.
Bytes name_of_area(BytesView area) {
  return written([&](Writer& writer) {
    writer.u16(algorithm_sha256);
    writer.raw(sha256({area}));
  });
}

std::unexpected<Error> refused(const std::string& text) {
  return fail(ErrorKind::bad_input, "GIMS_RELEASE_POLICY", text);
}

void encode(Writer& writer, const P256Signature& signature) {
  writer.raw(signature.r);
  writer.raw(signature.s);
}

void read_raw(Reader& reader, std::span<std::uint8_t> out) {
  const BytesView bytes = reader.raw(out.size());
  if (reader.good()) std::ranges::copy(bytes, out.begin());
}

P256Signature read_signature(Reader& reader) {
  P256Signature signature;
  read_raw(reader, signature.r);
  read_raw(reader, signature.s);
  return signature;
}

// Each approval of a policy: what is signed, and where its signature stands.
template <class Policy, class Visit>
bool every_approval(Policy& policy, const Visit& visit) {
  for (auto& boot : policy.boots) {
    const Sha256 approved = boot_policy(policy.key, policy.number, boot.pcr);
    if (!visit(approval_digest(approved, bytes_of(boot_policy_ref)), boot.signature)) return false;
  }
  const auto index = [&](const Sha256& approved, auto& signature) {
    return visit(approval_digest(approved, bytes_of(index_policy_ref)), signature);
  };
  return index(first_write_policy(policy.key, policy.number), policy.first_write) &&
         index(raise_policy(policy.key, policy.number), policy.raise);
}

}  // namespace

Bytes key_public_area(const P256Point& key) {
  return written([&](Writer& writer) {
    writer.u16(algorithm_ecc);
    writer.u16(algorithm_sha256);
    writer.u32(attributes_of_a_signing_key);
    writer.u16(0);  // no policy
    writer.u16(algorithm_null);
    writer.u16(algorithm_ecdsa);
    writer.u16(algorithm_sha256);
    writer.u16(curve_p256);
    writer.u16(algorithm_null);
    for (const BytesView part : {BytesView(key).subspan(1, 32), BytesView(key).subspan(33, 32)}) {
      writer.u16(static_cast<std::uint16_t>(part.size()));
      writer.raw(part);
    }
  });
}

Bytes key_name(const P256Point& key) { return name_of_area(key_public_area(key)); }

Sha256 index_policy(const P256Point& key) {
  PolicyDigest policy;
  policy.authorize(key_name(key), bytes_of(index_policy_ref));
  return policy.value();
}

Bytes nv_name(std::uint32_t index, std::uint32_t attributes, BytesView policy, std::uint16_t size) {
  return name_of_area(written([&](Writer& writer) {
    writer.u32(index);
    writer.u16(algorithm_sha256);
    writer.u32(attributes);
    writer.u16(static_cast<std::uint16_t>(policy.size()));
    writer.raw(policy);
    writer.u16(size);
  }));
}

Bytes index_name(const P256Point& key, bool is_written) {
  return nv_name(release_index, release_index_attributes | (is_written ? nv_attribute_written : 0U),
                 index_policy(key), release_index_size);
}

std::array<std::uint8_t, release_index_size> index_content(std::uint64_t number) {
  std::array<std::uint8_t, release_index_size> content{};
  for (std::size_t i = content.size(); i-- > 0; number >>= 8U) {
    content.at(i) = static_cast<std::uint8_t>(number);
  }
  return content;
}

std::uint64_t number_of(BytesView content) noexcept {
  std::uint64_t number = 0;
  for (const std::uint8_t byte : content) number = (number << 8U) | byte;
  return number;
}

Sha256 boot_policy(const P256Point& key, std::uint64_t number, const Sha256& pcr) {
  PolicyDigest policy;
  policy.pcr({&boot_pcr, 1}, {&pcr, 1});
  policy.nv(index_name(key, true), index_content(number), Comparison::unsigned_less_or_equal);
  return policy.value();
}

Sha256 first_write_policy(const P256Point& key, std::uint64_t number) {
  PolicyDigest policy;
  policy.command(nv_write_parameters(index_name(key, false), index_content(number)));
  return policy.value();
}

Sha256 raise_policy(const P256Point& key, std::uint64_t number) {
  PolicyDigest policy;
  policy.nv(index_name(key, true), index_content(number), Comparison::unsigned_less);
  policy.command(nv_write_parameters(index_name(key, true), index_content(number)));
  return policy.value();
}

Result<ReleasePolicy> sign_policy(ReleasePolicy policy, const ReleaseSigner& sign) {
  Result<> failed;
  every_approval(policy, [&](const Digest& digest, P256Signature& signature) {
    auto made = sign(digest);
    if (!made) {
      failed = std::unexpected(std::move(made).error());
    } else if (!p256_verify(policy.key, digest, *made)) {
      failed = refused("The signature is not of the key that was named.");
    } else {
      signature = *made;
    }
    return failed.has_value();
  });
  GIMS_TRY(failed);
  // As every unit will read it.
  return decode_policy(encode_policy(policy));
}

Bytes encode_policy(const ReleasePolicy& policy) {
  return written([&](Writer& writer) {
    writer.raw(bytes_of(magic));
    writer.u16(file_version);
    writer.u64(policy.number);
    writer.raw(policy.key);
    writer.u16(static_cast<std::uint16_t>(policy.boots.size()));
    for (const Boot& boot : policy.boots) {
      writer.text(boot.name);
      writer.raw(boot.pcr);
      encode(writer, boot.signature);
    }
    encode(writer, policy.first_write);
    encode(writer, policy.raise);
  });
}

Result<ReleasePolicy> decode_policy(BytesView file) {
  if (file.size() > max_policy_file) return refused("A release's policy is not that long.");
  Reader reader(file);
  ReleasePolicy policy;
  if (!std::ranges::equal(reader.raw(magic.size()), bytes_of(magic)) ||
      reader.u16() != file_version) {
    return refused("This is no release's policy, or one of a later form.");
  }
  policy.number = reader.u64();
  read_raw(reader, policy.key);
  const std::uint16_t boots = reader.u16();
  if (policy.number == 0 || boots == 0 || boots > max_boots) reader.refuse();
  for (std::uint16_t i = 0; i < boots && reader.good(); ++i) {
    Boot boot;
    boot.name = reader.text(max_boot_name);
    read_raw(reader, boot.pcr);
    boot.signature = read_signature(reader);
    policy.boots.push_back(std::move(boot));
  }
  policy.first_write = read_signature(reader);
  policy.raise = read_signature(reader);
  if (!reader.finish()) return refused("The release's policy is damaged.");
  const bool signed_right =
      every_approval(policy, [&](const Digest& digest, const P256Signature& signature) {
        return p256_verify(policy.key, digest, signature);
      });
  if (!signed_right) return refused("A signature in the release's policy is wrong.");
  return policy;
}

Result<ReleasePolicy> read_policy(const std::string& path) {
  const auto file = sys::read_file(path, max_policy_file);
  if (!file) return refused(path + " cannot be read (" + file.error().code + ").");
  auto policy = decode_policy(*file);
  if (!policy) policy.error().text = path + ": " + policy.error().text;
  return policy;
}

}  // namespace gims::hsm::release
