// The part of CBOR (RFC 8949) that a registration is written in: maps, texts, byte strings and
// numbers, in the one form that CTAP has for each (its section 8): definite lengths, the shortest
// head. Pure. Thread: one.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "hsm/proto/frame.hpp"

namespace gims::hsm::approval {

// Reads front to back, item by item; nothing is nested in what it does. The first item that is not
// as asked for makes it bad for good, and every later one empty.
class CborReader {
 public:
  explicit CborReader(BytesView bytes) noexcept : rest_(bytes) {}

  // The number of pairs that follow.
  [[nodiscard]] std::size_t map() noexcept;
  [[nodiscard]] std::string_view text() noexcept;
  [[nodiscard]] BytesView bytes() noexcept;
  // Between -2^31 and 2^31 - 1, as all of COSE's that are used here.
  [[nodiscard]] std::int64_t number() noexcept;

  [[nodiscard]] bool good() const noexcept { return good_; }
  // Good, and nothing is left.
  [[nodiscard]] bool finish() const noexcept { return good_ && rest_.empty(); }

 private:
  struct Head {
    std::uint8_t major;
    std::uint32_t argument;
  };
  [[nodiscard]] std::optional<Head> head() noexcept;
  [[nodiscard]] std::optional<std::uint32_t> head_of(std::uint8_t major) noexcept;
  [[nodiscard]] BytesView string(std::uint8_t major) noexcept;

  BytesView rest_;
  bool good_ = true;
};

}  // namespace gims::hsm::approval
