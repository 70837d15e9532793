// ASN.1 in DER (ITU-T X.690): writing as much as our certificates need, and reading as much of them
// as we want to know again.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string_view>

#include "hsm/proto/frame.hpp"

namespace gims::hsm::der {

inline constexpr std::uint8_t tag_boolean = 0x01;
inline constexpr std::uint8_t tag_integer = 0x02;
inline constexpr std::uint8_t tag_bit_string = 0x03;
inline constexpr std::uint8_t tag_octet_string = 0x04;
inline constexpr std::uint8_t tag_oid = 0x06;
inline constexpr std::uint8_t tag_utf8_string = 0x0c;
inline constexpr std::uint8_t tag_utc_time = 0x17;
inline constexpr std::uint8_t tag_generalized_time = 0x18;
inline constexpr std::uint8_t tag_sequence = 0x30;
inline constexpr std::uint8_t tag_set = 0x31;

// [number] of the context, for a value that stands by itself or for one that holds others.
[[nodiscard]] constexpr std::uint8_t context(std::uint8_t number) {
  return static_cast<std::uint8_t>(0x80U | number);
}
[[nodiscard]] constexpr std::uint8_t context_of_many(std::uint8_t number) {
  return static_cast<std::uint8_t>(0xa0U | number);
}

// Tag, length, and the parts one after the other.
[[nodiscard]] Bytes element(std::uint8_t tag, std::initializer_list<BytesView> parts);
[[nodiscard]] Bytes element(std::uint8_t tag, std::string_view text);
[[nodiscard]] Bytes sequence(std::initializer_list<BytesView> parts);

// A whole number that is not negative, big-endian.
[[nodiscard]] Bytes unsigned_integer(BytesView magnitude);
[[nodiscard]] Bytes small_integer(std::uint8_t value);  // below 128
// The content octets of the identifier, as the standards print them.
[[nodiscard]] Bytes oid(std::initializer_list<std::uint8_t> content);
// A bit string of whole bytes, and one of named bits (trailing zero bits are left out, as DER
// asks).
[[nodiscard]] Bytes bit_string(BytesView bytes);
[[nodiscard]] Bytes named_bits(std::uint8_t bits);
// Seconds since 1970 UTC as RFC 5280, section 4.1.2.5, wants it: UTCTime before 2050.
[[nodiscard]] Bytes time(std::int64_t seconds);

void append(Bytes& to, BytesView more);

struct Element {
  std::uint8_t tag = 0;
  BytesView content;
};
// Takes the first element off `bytes`; nothing where there is none, or it is cut or not DER.
[[nodiscard]] std::optional<Element> take(BytesView& bytes);
// What time() wrote.
[[nodiscard]] std::optional<std::int64_t> seconds_of(const Element& time);

}  // namespace gims::hsm::der
