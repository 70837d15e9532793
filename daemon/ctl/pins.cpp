#include "ctl/pins.hpp"

#include <algorithm>
#include <utility>

#include "crypto/bytes.hpp"
#include "json/value.hpp"
#include "json/writer.hpp"

namespace gims::ctl {
namespace {

constexpr std::size_t most_name = 64;

std::unexpected<Error> refused(std::string_view text) {
  return fail(ErrorKind::bad_input, "PINS", text);
}

// False: a member is missing or malformed.
bool read_bytes(json::Value object, std::string_view name, hsm::Bytes& out) {
  auto bytes = crypto::from_hex(object.get(name).string_or("?"));
  if (!bytes || bytes->empty() || bytes->size() > most_name) return false;
  out = std::move(*bytes);
  return true;
}

bool read_number(json::Value object, std::string_view name, std::uint64_t& out) {
  const std::int64_t number = object.get(name).int_or(-1);
  out = static_cast<std::uint64_t>(number);
  return number >= 0;
}

bool read_unit(json::Value pin, hsm::attest::Unit& unit) {
  const auto hash = crypto::array_from_hex<hsm::head_size>(pin.get("audit_hash").string_or(""));
  if (hash) unit.audit_head.hash = *hash;
  return hash && read_bytes(pin, "attestation_key", unit.attestation_key_name) &&
         read_bytes(pin, "endorsement_key", unit.endorsement_key_name) &&
         read_bytes(pin, "release_index", unit.release_index_name) &&
         read_number(pin, "release", unit.told_release) &&
         read_number(pin, "counter", unit.counter) &&
         read_number(pin, "audit_sequence", unit.audit_head.sequence);
}

}  // namespace

Result<Pins> Pins::parse(std::string_view json) {
  Pins pins;
  if (json.empty()) return pins;
  const auto document = json::Document::parse(json, {.max_bytes = max_pins_file});
  if (!document || document->root().get("version").int_or(0) != 1 ||
      !document->root().get("pins").is_array()) {
    return refused("it is no file of pins, or one of a later form");
  }
  for (const json::Value each : document->root().get("pins").array()) {
    Pin pin{.url = std::string(each.get("url").string_or("")), .unit = {}};
    if (pin.url.empty() || !read_unit(each, pin.unit) || pins.pins_.size() == max_pins) {
      return refused("a pin in it is malformed, or there are too many");
    }
    pins.pins_.push_back(std::move(pin));
  }
  return pins;
}

std::string Pins::to_text() const {
  json::Writer out;
  out.begin_object().member("version", 1).key("pins").begin_array();
  for (const Pin& pin : pins_) {
    const hsm::attest::Unit& unit = pin.unit;
    out.begin_object().member("url", pin.url);
    out.member("attestation_key", crypto::hex(unit.attestation_key_name));
    out.member("endorsement_key", crypto::hex(unit.endorsement_key_name));
    out.member("release_index", crypto::hex(unit.release_index_name));
    out.member("release", unit.told_release).member("counter", unit.counter);
    out.member("audit_sequence", unit.audit_head.sequence);
    out.member("audit_hash", crypto::hex(unit.audit_head.hash)).end_object();
  }
  out.end_array().end_object();
  return out.take() + "\n";
}

const hsm::attest::Unit* Pins::find(std::string_view url) const {
  const auto found = std::ranges::find(pins_, url, &Pin::url);
  return found == pins_.end() ? nullptr : &found->unit;
}

Result<> Pins::set(const std::string& url, const hsm::attest::Unit& unit) {
  const auto found = std::ranges::find(pins_, url, &Pin::url);
  if (found != pins_.end()) {
    found->unit = unit;
    return {};
  }
  if (pins_.size() == max_pins) return refused("there are too many pins in it already");
  pins_.push_back({.url = url, .unit = unit});
  return {};
}

}  // namespace gims::ctl
