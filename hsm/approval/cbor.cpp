#include "hsm/approval/cbor.hpp"

namespace gims::hsm::approval {
namespace {

constexpr std::uint8_t unsigned_number = 0;
constexpr std::uint8_t negative_number = 1;
constexpr std::uint8_t byte_string = 2;
constexpr std::uint8_t text_string = 3;
constexpr std::uint8_t pairs = 5;

constexpr std::uint8_t in_one_byte = 24;
constexpr std::uint8_t in_four_bytes = 26;
constexpr std::uint32_t largest = 0x7fffffff;

}  // namespace

std::optional<CborReader::Head> CborReader::head() noexcept {
  if (!good_ || rest_.empty()) {
    good_ = false;
    return std::nullopt;
  }
  const std::uint8_t first = rest_.front();
  rest_ = rest_.subspan(1);
  const std::uint8_t info = first & 0x1fU;
  const auto major = static_cast<std::uint8_t>(first >> 5U);
  if (info < in_one_byte) return Head{.major = major, .argument = info};
  const std::size_t size = std::size_t{1} << static_cast<unsigned>(info - in_one_byte);
  if (info > in_four_bytes || rest_.size() < size) {
    good_ = false;
    return std::nullopt;
  }
  std::uint32_t argument = 0;
  for (const std::uint8_t byte : rest_.first(size)) argument = argument << 8U | byte;
  rest_ = rest_.subspan(size);
  // The shortest form: not one that the next smaller would hold.
  const std::uint32_t smaller = size == 1 ? in_one_byte : std::uint32_t{1} << (size * 4U);
  if (argument < smaller || argument > largest) {
    good_ = false;
    return std::nullopt;
  }
  return Head{.major = major, .argument = argument};
}

std::optional<std::uint32_t> CborReader::head_of(std::uint8_t major) noexcept {
  const auto found = head();
  if (!found || found->major != major) {
    good_ = false;
    return std::nullopt;
  }
  return found->argument;
}

std::size_t CborReader::map() noexcept { return head_of(pairs).value_or(0); }

BytesView CborReader::string(std::uint8_t major) noexcept {
  const auto size = head_of(major);
  if (!size || *size > rest_.size()) {
    good_ = false;
    return {};
  }
  const BytesView found = rest_.first(*size);
  rest_ = rest_.subspan(*size);
  return found;
}

std::string_view CborReader::text() noexcept {
  const BytesView found = string(text_string);
  return {reinterpret_cast<const char*>(found.data()), found.size()};
}

BytesView CborReader::bytes() noexcept { return string(byte_string); }

std::int64_t CborReader::number() noexcept {
  const auto found = head();
  if (!found || found->major > negative_number) {
    good_ = false;
    return 0;
  }
  const auto argument = static_cast<std::int64_t>(found->argument);
  return found->major == unsigned_number ? argument : -1 - argument;
}

}  // namespace gims::hsm::approval
