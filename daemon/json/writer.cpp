#include "json/writer.hpp"

#include <array>
#include <charconv>
#include <cmath>

namespace gims::json {
namespace {

template <class Number>
std::string_view in_digits(std::array<char, 40>& room, Number number) {
  const auto [end, error] = std::to_chars(room.data(), room.data() + room.size(), number);
  return {room.data(), end};
}

}  // namespace

Writer& Writer::integer(std::int64_t number) {
  std::array<char, 40> room;
  return raw(in_digits(room, number));
}

Writer& Writer::natural(std::uint64_t number) {
  std::array<char, 40> room;
  return raw(in_digits(room, number));
}

Writer& Writer::real(double number) {
  if (!std::isfinite(number)) return null();
  std::array<char, 40> room;
  return raw(in_digits(room, number));
}

}  // namespace gims::json
