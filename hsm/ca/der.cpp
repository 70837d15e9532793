#include "hsm/ca/der.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <cstdio>
#include <string>

#include "hsm/proto/bytes.hpp"

namespace gims::hsm::der {
namespace {

Bytes with_header(std::uint8_t tag, std::size_t size) {
  Bytes out{tag};
  if (size < 0x80) {
    out.push_back(static_cast<std::uint8_t>(size));
    return out;
  }
  // Long form: how many bytes the length has, and those.
  Bytes length;
  for (; size > 0; size >>= 8U) length.insert(length.begin(), static_cast<std::uint8_t>(size));
  out.push_back(static_cast<std::uint8_t>(0x80U | length.size()));
  append(out, length);
  return out;
}

}  // namespace

void append(Bytes& to, BytesView more) { to.insert(to.end(), more.begin(), more.end()); }

Bytes element(std::uint8_t tag, std::initializer_list<BytesView> parts) {
  std::size_t size = 0;
  for (const BytesView part : parts) size += part.size();
  Bytes out = with_header(tag, size);
  for (const BytesView part : parts) append(out, part);
  return out;
}

Bytes element(std::uint8_t tag, std::string_view text) { return element(tag, {bytes_of(text)}); }

Bytes sequence(std::initializer_list<BytesView> parts) { return element(tag_sequence, parts); }

Bytes unsigned_integer(BytesView magnitude) {
  while (magnitude.size() > 1 && magnitude[0] == 0) magnitude = magnitude.subspan(1);
  constexpr std::array<std::uint8_t, 1> zero{0};
  // A set high bit would make it negative.
  if (magnitude.empty() || (magnitude[0] & 0x80U) != 0) {
    return element(tag_integer, {zero, magnitude});
  }
  return element(tag_integer, {magnitude});
}

Bytes small_integer(std::uint8_t value) { return element(tag_integer, {{&value, 1}}); }

Bytes oid(std::initializer_list<std::uint8_t> content) {
  return element(tag_oid, {BytesView(content.begin(), content.size())});
}

Bytes bit_string(BytesView bytes) {
  constexpr std::array<std::uint8_t, 1> no_unused_bits{0};
  return element(tag_bit_string, {no_unused_bits, bytes});
}

Bytes named_bits(std::uint8_t bits) {
  const std::array<std::uint8_t, 2> content{static_cast<std::uint8_t>(std::countr_zero(bits)),
                                            bits};
  return element(tag_bit_string, {content});
}

Bytes time(std::int64_t seconds) {
  const std::chrono::sys_seconds point{std::chrono::seconds(seconds)};
  const std::chrono::sys_days day = std::chrono::floor<std::chrono::days>(point);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(point - day);
  const int year = static_cast<int>(date.year());
  const bool utc_time = year < 2050;
  std::array<char, 32> text{};
  const int size = std::snprintf(
      text.data(), text.size(), "%0*d%02u%02u%02d%02d%02dZ", utc_time ? 2 : 4,
      utc_time ? year % 100 : year, static_cast<unsigned>(date.month()),
      static_cast<unsigned>(date.day()), static_cast<int>(clock.hours().count()),
      static_cast<int>(clock.minutes().count()), static_cast<int>(clock.seconds().count()));
  return element(utc_time ? tag_utc_time : tag_generalized_time,
                 std::string_view(text.data(), static_cast<std::size_t>(size)));
}

std::optional<Element> take(BytesView& bytes) {
  if (bytes.size() < 2) return std::nullopt;
  const Element header{.tag = bytes[0], .content = {}};
  std::size_t size = bytes[1];
  BytesView rest = bytes.subspan(2);
  if (size >= 0x80) {
    const std::size_t digits = size & 0x7fU;
    if (digits == 0 || digits > 3 || rest.size() < digits) return std::nullopt;
    size = 0;
    for (const std::uint8_t byte : rest.first(digits)) size = (size << 8U) | byte;
    rest = rest.subspan(digits);
    // The shortest form alone.
    if (with_header(header.tag, size).size() != 2 + digits) return std::nullopt;
  }
  if (rest.size() < size) return std::nullopt;
  bytes = rest.subspan(size);
  return Element{.tag = header.tag, .content = rest.first(size)};
}

std::optional<std::int64_t> seconds_of(const Element& time) {
  const bool utc_time = time.tag == tag_utc_time;
  if (!utc_time && time.tag != tag_generalized_time) return std::nullopt;
  const std::size_t year_digits = utc_time ? 2 : 4;
  if (time.content.size() != year_digits + 11 || time.content.back() != 'Z') return std::nullopt;
  BytesView rest = time.content.first(year_digits + 10);
  bool good = true;
  const auto number = [&](std::size_t digits) {
    int value = 0;
    for (const std::uint8_t digit : rest.first(digits)) {
      good = good && digit >= '0' && digit <= '9';
      value = 10 * value + (digit - '0');
    }
    rest = rest.subspan(digits);
    return value;
  };
  int year = number(year_digits);
  if (utc_time) year += year < 50 ? 2000 : 1900;  // RFC 5280, section 4.1.2.5.1
  const auto month = static_cast<unsigned>(number(2));
  const auto day = static_cast<unsigned>(number(2));
  const std::chrono::hours hours(number(2));
  const std::chrono::minutes minutes(number(2));
  const std::chrono::seconds seconds(number(2));
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(month),
                                         std::chrono::day(day)};
  if (!good || !date.ok() || hours.count() > 23 || minutes.count() > 59 || seconds.count() > 59) {
    return std::nullopt;
  }
  const std::chrono::sys_seconds point = std::chrono::sys_days(date) + hours + minutes + seconds;
  return point.time_since_epoch().count();
}

}  // namespace gims::hsm::der
