// The part of CBOR (RFC 8949) that security keys speak, for a security key of the tests' own.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/check.hpp"
#include "hsm/proto/frame.hpp"

namespace gims::test {

// One item. A map holds its keys and values in turn.
struct Cbor {
  enum class Kind : std::uint8_t { number, bytes, text, array, map, flag };
  Kind kind = Kind::flag;
  std::int64_t number = 0;
  hsm::Bytes bytes;
  std::string text;
  std::vector<Cbor> items;
  bool flag = false;

  // Of a map; null: there is no such key.
  [[nodiscard]] const Cbor* find(std::int64_t key) const {
    for (std::size_t i = 0; i + 1 < items.size(); i += 2) {
      if (items[i].kind == Kind::number && items[i].number == key) return &items[i + 1];
    }
    return nullptr;
  }
  [[nodiscard]] const Cbor* find(std::string_view key) const {
    for (std::size_t i = 0; i + 1 < items.size(); i += 2) {
      if (items[i].kind == Kind::text && items[i].text == key) return &items[i + 1];
    }
    return nullptr;
  }
  [[nodiscard]] const Cbor& at(std::int64_t key) const {
    const Cbor* found = find(key);
    GIMS_CHECK(found != nullptr);
    return *found;
  }
};

// Of what libfido2 sends; aborts at anything else.
class CborReader {
 public:
  explicit CborReader(hsm::BytesView rest) : rest_(rest) {}

  Cbor item() {
    const std::uint8_t head = byte();
    Cbor item;
    if (head == 0xf4 || head == 0xf5) {
      item.flag = head == 0xf5;
      return item;
    }
    const std::uint64_t value = argument(head & 0x1fU);
    switch (head >> 5U) {
      case 0:
      case 1:
        item.kind = Cbor::Kind::number;
        item.number = static_cast<std::int64_t>(value);
        if (head >> 5U == 1) item.number = -1 - item.number;
        break;
      case 2:
        item.kind = Cbor::Kind::bytes;
        for (std::uint64_t i = 0; i < value; ++i) item.bytes.push_back(byte());
        break;
      case 3:
        item.kind = Cbor::Kind::text;
        for (std::uint64_t i = 0; i < value; ++i) item.text.push_back(static_cast<char>(byte()));
        break;
      case 4:
      case 5:
        item.kind = head >> 5U == 4 ? Cbor::Kind::array : Cbor::Kind::map;
        for (std::uint64_t i = 0; i < (head >> 5U == 4 ? value : 2 * value); ++i) {
          item.items.push_back(this->item());
        }
        break;
      default:
        GIMS_CHECK(false);
    }
    return item;
  }

 private:
  std::uint8_t byte() {
    GIMS_CHECK(!rest_.empty());
    const std::uint8_t first = rest_.front();
    rest_ = rest_.subspan(1);
    return first;
  }
  std::uint64_t argument(unsigned info) {
    if (info < 24) return info;
    GIMS_CHECK(info <= 26);
    std::uint64_t value = 0;
    for (unsigned i = 0; i < (1U << (info - 24)); ++i) value = value << 8U | byte();
    return value;
  }
  hsm::BytesView rest_;
};

// Writes in the order in which it is called, which is to be CTAP's: of the encoded keys.
class CborWriter {
 public:
  CborWriter& number(std::int64_t value) {
    return value >= 0 ? head(0, static_cast<std::uint64_t>(value))
                      : head(1, static_cast<std::uint64_t>(-1 - value));
  }
  CborWriter& bytes(hsm::BytesView value) {
    head(2, value.size());
    out_.insert(out_.end(), value.begin(), value.end());
    return *this;
  }
  CborWriter& text(std::string_view value) {
    head(3, value.size());
    out_.insert(out_.end(), value.begin(), value.end());
    return *this;
  }
  CborWriter& array(std::size_t size) { return head(4, size); }
  CborWriter& map(std::size_t pairs) { return head(5, pairs); }
  CborWriter& flag(bool value) {
    out_.push_back(static_cast<std::uint8_t>(value ? 0xf5 : 0xf4));
    return *this;
  }
  [[nodiscard]] const hsm::Bytes& out() const { return out_; }

 private:
  CborWriter& head(unsigned kind, std::uint64_t value) {
    const unsigned high = kind << 5U;
    if (value < 24) {
      out_.push_back(static_cast<std::uint8_t>(high | value));
    } else if (value < 0x100) {
      out_.push_back(static_cast<std::uint8_t>(high | 24U));
      out_.push_back(static_cast<std::uint8_t>(value));
    } else {
      GIMS_CHECK(value < 0x10000);
      out_.push_back(static_cast<std::uint8_t>(high | 25U));
      out_.push_back(static_cast<std::uint8_t>(value >> 8U));
      out_.push_back(static_cast<std::uint8_t>(value));
    }
    return *this;
  }
  hsm::Bytes out_;
};

}  // namespace gims::test
