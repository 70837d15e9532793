#include "service/console/totp.hpp"

#include <array>

#include "crypto/hmac_sha1.hpp"

namespace gims::service::console {
namespace {

constexpr Millis step_ms = 30'000;

}  // namespace

std::int64_t totp_step_of(Millis now) noexcept { return now / step_ms; }

Redacted totp_code(const SecretBytes& secret, std::int64_t step, unsigned digits) {
  std::array<std::uint8_t, 8> counter{};
  auto number = static_cast<std::uint64_t>(step);
  for (std::size_t i = counter.size(); i-- > 0; number >>= 8U) {
    counter[i] = static_cast<std::uint8_t>(number);
  }
  const crypto::Sha1Mac mac = crypto::hmac_sha1(secret.bytes(), counter);
  const std::size_t at = mac.back() & 0x0fU;
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value = value << 8U | mac[at + i];
  value &= 0x7fffffffU;
  std::string code(digits, '0');
  for (std::size_t i = digits; i-- > 0; value /= 10) {
    code[i] = static_cast<char>('0' + value % 10);
  }
  return Redacted(std::move(code));
}

std::optional<std::int64_t> totp_accepts(const SecretBytes& secret, std::string_view code,
                                         Millis now, std::int64_t last) {
  const auto typed = std::span(reinterpret_cast<const std::uint8_t*>(code.data()), code.size());
  const std::int64_t current = totp_step_of(now);
  std::optional<std::int64_t> found;
  // All three, whichever fits: the time tells nothing of the clocks.
  for (const std::int64_t step : {current - 1, current, current + 1}) {
    const Redacted good = totp_code(secret, step);
    const auto text = good.reveal();
    const auto bytes = std::span(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
    if (equal_in_constant_time(bytes, typed) && step > last) found = step;
  }
  return found;
}

Redacted base32(const SecretBytes& bytes) {
  constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  std::string text;
  text.reserve((bytes.size() * 8 + 4) / 5);
  std::uint32_t held = 0;
  unsigned bits = 0;
  for (const std::uint8_t byte : bytes.bytes()) {
    held = held << 8U | byte;
    for (bits += 8; bits >= 5; bits -= 5) text.push_back(letters[held >> (bits - 5) & 0x1fU]);
    held &= 0xffU;
  }
  if (bits > 0) text.push_back(letters[held << (5 - bits) & 0x1fU]);
  return Redacted(std::move(text));
}

}  // namespace gims::service::console
