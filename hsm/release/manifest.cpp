#include "hsm/release/manifest.hpp"

#include <algorithm>
#include <utility>

#include "crypto/bytes.hpp"
#include "hsm/ca/p256.hpp"
#include "json/canonical.hpp"
#include "json/value.hpp"
#include "json/writer.hpp"

namespace gims::hsm::release {
namespace {

constexpr std::string_view label = "gims release manifest 1\n";
constexpr std::int64_t version = 1;

std::unexpected<Error> refused(std::string_view text) {
  return fail(ErrorKind::bad_input, "GIMS_RELEASE_MANIFEST", text);
}

bool is_name(std::string_view name) {
  return !name.empty() && name.size() <= max_manifest_name &&
         std::ranges::all_of(name, [](char c) { return c >= 0x20 && c < 0x7F; });
}

void write(json::Writer& out, std::string_view name, const std::vector<Sha256>& digests) {
  out.key(name).begin_array();
  for (const Sha256& digest : digests) out.value(crypto::hex(digest));
  out.end_array();
}

// In the order of canonical JSON.
std::string body_of(const Manifest& manifest) {
  json::Writer out;
  out.begin_object().member("name", manifest.name).key("pcrs").begin_array();
  for (const ExpectedPcr& pcr : manifest.pcrs) {
    out.begin_object();
    if (!pcr.events.empty()) {
      out.key("events").begin_array();
      for (const ExpectedEvent& event : pcr.events) {
        out.begin_object();
        write(out, "digests", event.digests);
        if (event.may_be_missing) out.member("may_be_missing", true);
        out.member("name", event.name).end_object();
      }
      out.end_array();
    }
    out.member("name", pcr.name).member("pcr", pcr.pcr);
    if (!pcr.values.empty()) write(out, "values", pcr.values);
    out.end_object();
  }
  out.end_array().member("release", manifest.number);
  out.member("release_key", crypto::base64(manifest.key)).member("version", version).end_object();
  return out.take();
}

Digest digest_of(std::string_view body) {
  return sha256({crypto::as_bytes(label), crypto::as_bytes(body)});
}

Result<std::vector<Sha256>> read_digests(json::Value list) {
  std::vector<Sha256> digests;
  if (!list.is_array() || list.size() == 0 || list.size() > max_manifest_digests) {
    return refused("The manifest has a list of digests that is none, or too long.");
  }
  for (const json::Value each : list.array()) {
    const auto digest = crypto::array_from_hex<sizeof(Sha256)>(each.string_or(""));
    if (!digest) return refused("The manifest has a digest that is not 64 hex digits.");
    digests.push_back(*digest);
  }
  return digests;
}

Result<ExpectedEvent> read_event(json::Value value) {
  ExpectedEvent event;
  event.name = value.get("name").string_or("");
  if (!is_name(event.name)) return refused("The manifest has an event without a good name.");
  GIMS_TRY_ASSIGN(event.digests, read_digests(value.get("digests")));
  event.may_be_missing = value.get("may_be_missing").bool_or(false);
  return event;
}

Result<ExpectedPcr> read_pcr(json::Value value) {
  ExpectedPcr pcr;
  const std::int64_t number = value.get("pcr").int_or(-1);
  pcr.name = value.get("name").string_or("");
  if (number < 0 || number >= manifest_pcrs || !is_name(pcr.name)) {
    return refused("The manifest has a PCR without a good name or number.");
  }
  pcr.pcr = static_cast<std::uint8_t>(number);
  const json::Value events = value.get("events");
  const json::Value values = value.get("values");
  if (events.valid() == values.valid()) {
    return refused("The manifest has a PCR with neither or both of values and events.");
  }
  if (values.valid()) {
    GIMS_TRY_ASSIGN(pcr.values, read_digests(values));
    return pcr;
  }
  if (!events.is_array() || events.size() == 0 || events.size() > max_manifest_events) {
    return refused("The manifest has a list of events that is none, or too long.");
  }
  for (const json::Value each : events.array()) {
    GIMS_TRY_ASSIGN(ExpectedEvent event, read_event(each));
    pcr.events.push_back(std::move(event));
  }
  return pcr;
}

Result<Manifest> read_body(json::Value body) {
  const std::int64_t found = body.get("version").int_or(0);
  if (found != version) return refused("This is no release's manifest, or one of a later form.");
  Manifest manifest;
  manifest.name = body.get("name").string_or("");
  const std::int64_t number = body.get("release").int_or(0);
  const auto key = crypto::from_base64(body.get("release_key").string_or(""));
  if (!is_name(manifest.name) || number < 1 || !key || key->size() != manifest.key.size()) {
    return refused("The manifest's name, number or key is malformed.");
  }
  manifest.number = static_cast<std::uint64_t>(number);
  std::ranges::copy(*key, manifest.key.begin());
  const json::Value pcrs = body.get("pcrs");
  if (!pcrs.is_array() || pcrs.size() == 0 || pcrs.size() > manifest_pcrs) {
    return refused("The manifest says nothing of PCRs.");
  }
  for (const json::Value each : pcrs.array()) {
    GIMS_TRY_ASSIGN(ExpectedPcr pcr, read_pcr(each));
    if (!manifest.pcrs.empty() && manifest.pcrs.back().pcr >= pcr.pcr) {
      return refused("The manifest's PCRs are not in their order.");
    }
    manifest.pcrs.push_back(std::move(pcr));
  }
  return manifest;
}

}  // namespace

Result<std::string> sign_manifest(const Manifest& manifest, const ReleaseSigner& sign) {
  const std::string body = body_of(manifest);
  GIMS_TRY_ASSIGN(const P256Signature signature, sign(digest_of(body)));
  Bytes both(signature.r.begin(), signature.r.end());
  both.insert(both.end(), signature.s.begin(), signature.s.end());
  json::Writer out;
  out.begin_object().raw_member("manifest", body);
  out.member("signature", crypto::base64(both)).end_object();
  std::string file = out.take();
  GIMS_TRY(decode_manifest(file));
  return file;
}

Result<Manifest> decode_manifest(std::string_view file) {
  auto document = json::Document::parse(
      file,
      {.max_bytes = max_manifest, .max_values = 32 * 1024, .max_depth = 8, .unique_keys = true});
  if (!document) return refused("The manifest is no JSON, or too long.");
  const json::Value body = document->root().get("manifest");
  GIMS_TRY_ASSIGN(Manifest manifest, read_body(body));
  const auto canonical = json::canonical(body);
  const auto bytes = crypto::from_base64(document->root().get("signature").string_or(""));
  P256Signature signature;
  if (!canonical || !bytes || bytes->size() != signature.r.size() + signature.s.size()) {
    return refused("The manifest's signature is malformed.");
  }
  const auto half = bytes->begin() + static_cast<std::ptrdiff_t>(signature.r.size());
  std::copy(bytes->begin(), half, signature.r.begin());
  std::copy(half, bytes->end(), signature.s.begin());
  if (!p256_verify(manifest.key, digest_of(*canonical), signature)) {
    return refused("The manifest's signature is wrong: it was changed after it was signed.");
  }
  return manifest;
}

std::vector<ExpectedEvent> section_events(const std::string& section, const Sha256& content) {
  const std::string_view with_zero(section.c_str(), section.size() + 1);
  return {{.name = "name of the section " + section,
           .digests = {sha256({crypto::as_bytes(with_zero)})},
           .may_be_missing = false},
          {.name = "section " + section, .digests = {content}, .may_be_missing = false}};
}

ExpectedEvent phase_event(const std::string& phase) {
  return {.name = "phase " + phase,
          .digests = {sha256({crypto::as_bytes(phase)})},
          .may_be_missing = true};
}

}  // namespace gims::hsm::release
