// A list of attributes, as PKCS#11 takes them.
#pragma once

#include <p11-kit/pkcs11.h>

#include <array>
#include <span>
#include <string_view>

#include "base/check.hpp"
#include "hsm/proto/frame.hpp"

namespace gims::hsm::pkcs11 {

// Points into itself and to what it was given, so it is neither copied nor outlives that.
//   Template wanted;
//   wanted.number(CKA_CLASS, CKO_SECRET_KEY).flag(CKA_TOKEN, true);
class Template {
 public:
  Template() = default;
  Template(const Template&) = delete;
  Template& operator=(const Template&) = delete;
  ~Template() = default;

  Template& flag(CK_ATTRIBUTE_TYPE type, bool value) {
    flags_.at(size_) = value ? CK_TRUE : CK_FALSE;
    return add(type, &flags_.at(size_), sizeof(CK_BBOOL));
  }
  Template& number(CK_ATTRIBUTE_TYPE type, CK_ULONG value) {
    numbers_.at(size_) = value;
    return add(type, &numbers_.at(size_), sizeof(CK_ULONG));
  }
  Template& bytes(CK_ATTRIBUTE_TYPE type, BytesView value) {
    // The module only reads it; the interface has no const.
    return add(type, const_cast<std::uint8_t*>(value.data()), value.size());  // NOLINT
  }
  Template& text(CK_ATTRIBUTE_TYPE type, std::string_view value) {
    return add(type, const_cast<char*>(value.data()), value.size());  // NOLINT
  }

  [[nodiscard]] CK_ATTRIBUTE* data() noexcept { return attributes_.data(); }
  [[nodiscard]] CK_ULONG size() const noexcept { return size_; }

 private:
  static constexpr std::size_t most = 20;
  Template& add(CK_ATTRIBUTE_TYPE type, void* value, std::size_t size) {
    GIMS_CHECK(size_ < most);
    attributes_.at(size_++) = {.type = type, .pValue = value, .ulValueLen = size};
    return *this;
  }

  std::array<CK_ATTRIBUTE, most> attributes_{};
  std::array<CK_BBOOL, most + 1> flags_{};
  std::array<CK_ULONG, most + 1> numbers_{};
  std::size_t size_ = 0;
};

}  // namespace gims::hsm::pkcs11
