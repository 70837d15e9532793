// What the requests and replies hold about the persons without whom the keys do not open
// (docs/protocol-keyd.md, "Attended"). As messages.hpp.
#pragma once

#include <string>
#include <vector>

#include "hsm/proto/messages.hpp"

namespace gims::hsm {

inline constexpr std::size_t max_persons = 8;
inline constexpr std::size_t max_person_name = 64;
inline constexpr std::size_t max_factor_parameters = 512;

enum class FactorKind : std::uint8_t { passphrase = 1, fido2 = 2 };
inline constexpr std::uint8_t last_factor = 2;

// Who, and what is needed to make the person's key of what he knows or has. None of it is secret,
// and gims-keyd reads none of the parameters (hsm/factor does).
struct Person {
  std::string name;
  FactorKind kind = FactorKind::passphrase;
  Bytes parameters;

  bool operator==(const Person&) const = default;
};

struct PersonsReply {
  std::vector<Person> persons;  // none: the keys open without one
};
struct PersonKey {
  std::string name;
  SecretBytes key;  // key_size bytes
};
struct AddPersonRequest {
  std::uint32_t approval = 0;  // the proposal that two administrators approved
  Person person;
  SecretBytes key;  // key_size bytes
};

void encode(Writer& writer, const PersonsReply& value);
void encode(Writer& writer, const PersonKey& value);
void encode(Writer& writer, const AddPersonRequest& value);

[[nodiscard]] Result<PersonsReply> decode_persons(BytesView body);
[[nodiscard]] Result<PersonKey> decode_person_key(BytesView body);
[[nodiscard]] Result<AddPersonRequest> decode_add_person(BytesView body);

// One person as a field of a message or a file. Refuses in the reader what is not well formed.
void write_person(Writer& writer, const Person& person);
[[nodiscard]] Person read_person(Reader& reader);

}  // namespace gims::hsm
