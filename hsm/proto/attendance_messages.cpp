#include "hsm/proto/attendance_messages.hpp"

#include <utility>

namespace gims::hsm {
namespace {

std::unexpected<Error> bad_body() {
  return fail(ErrorKind::bad_input, "GIMS_KEYD_FRAME",
              "The body of the message is not well formed.");
}

std::string read_name(Reader& reader) {
  const std::string_view name = reader.text(max_person_name);
  if (name.empty()) reader.refuse();
  return std::string(name);
}

}  // namespace

void write_person(Writer& writer, const Person& person) {
  writer.text(person.name);
  writer.u8(static_cast<std::uint8_t>(person.kind));
  writer.bytes(person.parameters);
}

Person read_person(Reader& reader) {
  Person person;
  person.name = read_name(reader);
  const std::uint8_t kind = reader.u8();
  if (kind < 1 || kind > last_factor) {
    reader.refuse();
  } else {
    person.kind = static_cast<FactorKind>(kind);
  }
  const BytesView parameters = reader.bytes(max_factor_parameters);
  person.parameters.assign(parameters.begin(), parameters.end());
  return person;
}

void encode(Writer& writer, const PersonsReply& value) {
  writer.u8(static_cast<std::uint8_t>(value.persons.size()));
  for (const Person& person : value.persons) write_person(writer, person);
}

Result<PersonsReply> decode_persons(BytesView body) {
  Reader reader(body);
  PersonsReply reply;
  const std::uint8_t count = reader.u8();
  if (count > max_persons) reader.refuse();
  for (std::uint8_t i = 0; i < count && reader.good(); ++i) {
    reply.persons.push_back(read_person(reader));
  }
  if (!reader.finish()) return bad_body();
  return reply;
}

void encode(Writer& writer, const PersonKey& value) {
  writer.text(value.name);
  writer.raw(value.key.bytes());
}

Result<PersonKey> decode_person_key(BytesView body) {
  Reader reader(body);
  PersonKey given;
  given.name = read_name(reader);
  const BytesView key = reader.raw(key_size);
  if (!reader.finish()) return bad_body();
  GIMS_TRY_ASSIGN(given.key, SecretBytes::copy_of(key));
  return given;
}

void encode(Writer& writer, const AddPersonRequest& value) {
  writer.u32(value.approval);
  write_person(writer, value.person);
  writer.raw(value.key.bytes());
}

Result<AddPersonRequest> decode_add_person(BytesView body) {
  Reader reader(body);
  AddPersonRequest request;
  request.approval = reader.u32();
  request.person = read_person(reader);
  const BytesView key = reader.raw(key_size);
  if (!reader.finish()) return bad_body();
  GIMS_TRY_ASSIGN(request.key, SecretBytes::copy_of(key));
  return request;
}

}  // namespace gims::hsm
