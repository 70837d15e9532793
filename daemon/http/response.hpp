// One HTTP response.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.hpp"

namespace gims::http {

// A body that is read piece by piece (media). Called on a loop's thread, never by two at once.
class BodySource {
 public:
  BodySource() = default;
  BodySource(const BodySource&) = delete;
  BodySource& operator=(const BodySource&) = delete;
  virtual ~BodySource() = default;
  [[nodiscard]] virtual std::uint64_t size() const noexcept = 0;
  // Fills `into` from `offset`; the number of bytes (less than asked only at the end). A failure
  // ends the connection, since the head is on its way already.
  [[nodiscard]] virtual Result<std::size_t> read(std::uint64_t offset, std::span<char> into) = 0;
};

// Bytes that many responses share without a copy (an event that goes to a thousand devices).
using SharedBytes = std::shared_ptr<const std::string>;
// Sent one after the other (writev).
using Chain = std::vector<std::variant<std::string, SharedBytes>>;

struct Response {
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers;
  std::variant<std::string, Chain, std::unique_ptr<BodySource>> body;
};

// The status of each kind of error.
[[nodiscard]] int status_of(ErrorKind kind) noexcept;

}  // namespace gims::http
