#include "hsm/release/tpm_policy.hpp"

#include <sodium.h>

#include <vector>

namespace gims::hsm::release {
namespace {

// Part 2, section 6.5.2, TPM_CC.
constexpr std::uint32_t command_nv_write = 0x137;
constexpr std::uint32_t command_policy_nv = 0x149;
constexpr std::uint32_t command_policy_cp_hash = 0x16E;
constexpr std::uint32_t command_policy_authorize = 0x16A;
constexpr std::uint32_t command_policy_auth_value = 0x16B;
constexpr std::uint32_t command_policy_pcr = 0x17F;

constexpr std::uint16_t algorithm_sha256 = 0x000B;
constexpr std::uint8_t pcr_bitmap_size = 3;

// What is hashed: numbers are big-endian, as everything of a TPM.
class Input {
 public:
  Input& bytes(BytesView bytes) {
    data_.insert(data_.end(), bytes.begin(), bytes.end());
    return *this;
  }
  Input& u8(std::uint8_t value) {
    data_.push_back(value);
    return *this;
  }
  Input& u16(std::uint16_t value) {
    return u8(static_cast<std::uint8_t>(value >> 8U)).u8(static_cast<std::uint8_t>(value));
  }
  Input& u32(std::uint32_t value) {
    return u16(static_cast<std::uint16_t>(value >> 16U)).u16(static_cast<std::uint16_t>(value));
  }
  [[nodiscard]] BytesView view() const { return data_; }
  [[nodiscard]] Sha256 hash() const { return sha256(data_); }

 private:
  Bytes data_;
};

}  // namespace

Sha256 sha256(BytesView bytes) noexcept {
  Sha256 digest{};
  crypto_hash_sha256(digest.data(), bytes.data(), bytes.size());
  return digest;
}

void PolicyDigest::extend(std::uint32_t command, BytesView arguments) {
  value_ = Input().bytes(value_).u32(command).bytes(arguments).hash();
}

void PolicyDigest::pcr(std::span<const std::uint8_t> pcrs, std::span<const Sha256> values) {
  std::array<std::uint8_t, pcr_bitmap_size> bitmap{};
  for (const std::uint8_t number : pcrs) {
    bitmap.at(number / 8U) |= static_cast<std::uint8_t>(1U << (number % 8U));
  }
  Input held;
  for (const Sha256& value : values) held.bytes(value);
  // TPML_PCR_SELECTION of one bank, and the digest of its values.
  Input arguments;
  arguments.u32(1).u16(algorithm_sha256).u8(pcr_bitmap_size).bytes(bitmap).bytes(held.hash());
  extend(command_policy_pcr, arguments.view());
}

void PolicyDigest::nv(BytesView index_name, BytesView operand, Comparison comparison) {
  const Sha256 arguments =
      Input().bytes(operand).u16(0).u16(static_cast<std::uint16_t>(comparison)).hash();
  extend(command_policy_nv, Input().bytes(arguments).bytes(index_name).view());
}

void PolicyDigest::command(const Sha256& command_parameters) {
  extend(command_policy_cp_hash, command_parameters);
}

void PolicyDigest::authorize(BytesView key_name, BytesView policy_ref) {
  value_ = Sha256{};
  extend(command_policy_authorize, key_name);
  value_ = Input().bytes(value_).bytes(policy_ref).hash();
}

void PolicyDigest::auth_value() { extend(command_policy_auth_value, {}); }

Sha256 approval_digest(const Sha256& approved, BytesView policy_ref) {
  return Input().bytes(approved).bytes(policy_ref).hash();
}

Sha256 nv_write_parameters(BytesView index_name, BytesView data) {
  return Input()
      .u32(command_nv_write)
      .bytes(index_name)
      .bytes(index_name)
      .u16(static_cast<std::uint16_t>(data.size()))
      .bytes(data)
      .u16(0)
      .hash();
}

}  // namespace gims::hsm::release
