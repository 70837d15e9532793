#include "hsm/pkcs11/dispatch.hpp"

#include <array>
#include <span>
#include <vector>

#include "hsm/pkcs11/messages.hpp"

namespace gims::hsm::pkcs11 {
namespace {

// What the TPM's passwords follow from: an HSM has its PIN, so gims-keyd sends it to none.
const SecretBytes no_secret;

// A handler reads the body and writes the reply's; when it fails, what it wrote is dropped.
struct Row {
  Operation operation;
  Result<> (*handle)(Vault& vault, BytesView body, Writer& reply);
};

constexpr std::array<Row, last_vault_operation - first_vault_operation + 1> table{{
    {Operation::vault_info,
     [](Vault& vault, BytesView body, Writer& reply) -> Result<> {
       GIMS_TRY(decode_nothing(body));
       GIMS_TRY_ASSIGN(const Vault::Info info, vault.info());
       encode(reply, info);
       return {};
     }},
    {Operation::vault_probe,
     [](Vault& vault, BytesView body, Writer&) -> Result<> {
       GIMS_TRY(decode_nothing(body));
       return vault.probe();
     }},
    {Operation::vault_provision,
     [](Vault& vault, BytesView body, Writer& reply) -> Result<> {
       GIMS_TRY_ASSIGN(const ProvisionKeys request, decode_provision_keys(body));
       GIMS_TRY_ASSIGN(const Vault::Sealed sealed,
                       vault.provision(request.root_key, no_secret, request.replace));
       encode(reply, sealed);
       return {};
     }},
    {Operation::vault_open,
     [](Vault& vault, BytesView body, Writer& reply) -> Result<> {
       GIMS_TRY_ASSIGN(const BytesView blob, decode_blob_only(body));
       GIMS_TRY_ASSIGN(const Vault::Opened opened, vault.open(blob));
       encode(reply, opened);
       return {};
     }},
    {Operation::vault_sign,
     [](Vault& vault, BytesView body, Writer& reply) -> Result<> {
       GIMS_TRY_ASSIGN(const SignDigest request, decode_sign_digest(body));
       GIMS_TRY_ASSIGN(const P256Signature signature,
                       vault.sign(request.blob, request.use, request.digest));
       encode(reply, signature);
       return {};
     }},
    {Operation::vault_renew_ca,
     [](Vault& vault, BytesView body, Writer& reply) -> Result<> {
       GIMS_TRY_ASSIGN(const BytesView blob, decode_blob_only(body));
       GIMS_TRY_ASSIGN(const Vault::Sealed sealed, vault.renew_ca(blob));
       encode(reply, sealed);
       return {};
     }},
    {Operation::vault_destroy,
     [](Vault& vault, BytesView body, Writer& reply) -> Result<> {
       GIMS_TRY_ASSIGN(const BytesView blob, decode_blob_only(body));
       GIMS_TRY_ASSIGN(const Vault::Destruction destruction, vault.destroy(blob, nullptr));
       encode(reply, destruction);
       return {};
     }},
    {Operation::vault_counter,
     [](Vault& vault, BytesView body, Writer& reply) -> Result<> {
       GIMS_TRY_ASSIGN(const BytesView blob, decode_blob_only(body));
       GIMS_TRY_ASSIGN(const std::uint64_t value, vault.counter(blob, no_secret));
       encode_number(reply, value);
       return {};
     }},
    {Operation::vault_advance,
     [](Vault& vault, BytesView body, Writer& reply) -> Result<> {
       GIMS_TRY_ASSIGN(const BytesView blob, decode_blob_only(body));
       GIMS_TRY_ASSIGN(const std::uint64_t value, vault.advance(blob, no_secret));
       encode_number(reply, value);
       return {};
     }},
    {Operation::vault_settle,
     [](Vault& vault, BytesView body, Writer&) -> Result<> {
       GIMS_TRY_ASSIGN(const BytesView blob, decode_blob_only(body));
       return vault.settle(blob, no_secret);
     }},
    {Operation::vault_reseal,
     [](Vault& vault, BytesView body, Writer& reply) -> Result<> {
       GIMS_TRY_ASSIGN(const ResealKeys request, decode_reseal_keys(body));
       GIMS_TRY_ASSIGN(const Vault::Sealed sealed, vault.reseal(request.blob, request.root_key));
       encode(reply, sealed);
       return {};
     }},
    {Operation::vault_sign_events,
     [](Vault& vault, BytesView body, Writer& reply) -> Result<> {
       GIMS_TRY_ASSIGN(const EventsToSign request, decode_events_to_sign(body));
       GIMS_TRY_ASSIGN(const std::vector<Signature> signatures,
                       vault.sign_events(request.blob, request.events));
       encode(reply, std::span<const Signature>(signatures));
       return {};
     }},
}};

constexpr bool in_the_order_of_its_numbers() {
  for (std::size_t i = 0; i < table.size(); ++i) {
    if (static_cast<std::size_t>(table[i].operation) != first_vault_operation + i) return false;
  }
  return true;
}
static_assert(in_the_order_of_its_numbers());

// Answers in `reply`; `header` becomes the request's as soon as that is known.
Result<> serve(Vault& vault, BytesView message, Header& header, Writer& reply) {
  GIMS_TRY_ASSIGN(const Frame frame, decode_frame(message, vault_operations));
  header = frame.header;
  if (frame.header.kind != Kind::request) {
    return fail(ErrorKind::bad_input, "GIMS_KEYD_FRAME", "This is no request.");
  }
  const auto number = static_cast<std::size_t>(frame.header.operation);
  return table[number - first_vault_operation].handle(vault, frame.body, reply);
}

}  // namespace

Answer answer(Vault& vault, BytesView message, std::span<std::uint8_t> room) {
  Header header{.operation = Operation::vault_info};
  Writer reply(room);
  const Result<> served = serve(vault, message, header, reply);
  return finish(header, reply, served, room);
}

}  // namespace gims::hsm::pkcs11
