#include "hsm/pkcs11/messages.hpp"

#include <gtest/gtest.h>

namespace gims::hsm::pkcs11 {
namespace {

template <class Write>
Bytes written(const Write& write) {
  Bytes room(4096);
  Writer writer(room);
  write(writer);
  return {writer.body().begin(), writer.body().end()};
}

// Refused at any shorter length, and with a byte left over.
template <class Decode>
void expect_exact(const Bytes& body, const Decode& decode) {
  ASSERT_TRUE(decode(body));
  for (std::size_t size = 0; size < body.size(); ++size) {
    EXPECT_FALSE(decode(BytesView(body).first(size))) << size;
  }
  Bytes longer = body;
  longer.push_back(0);
  EXPECT_FALSE(decode(longer));
}

TEST(VaultMessages, ComeBackAsTheyWere) {
  const Bytes info = written([](Writer& writer) {
    encode(writer, Vault::Info{.description = "PKCS#11 2.40", .software = true});
  });
  expect_exact(info, decode_info);
  EXPECT_EQ(decode_info(info)->description, "PKCS#11 2.40");
  EXPECT_TRUE(decode_info(info)->software);

  const Bytes provision = written([](Writer& writer) {
    encode(writer,
           ProvisionKeys{.root_key = *SecretBytes::copy_of(Bytes(key_size, 3)), .replace = true});
  });
  expect_exact(provision, decode_provision_keys);
  EXPECT_EQ(decode_provision_keys(provision)->root_key.bytes()[31], 3);

  const Bytes sealed = written([](Writer& writer) {
    encode(writer,
           Vault::Sealed{.blob = {1, 2}, .ca_public = {4, 1}, .attestation_public = {4, 2}});
  });
  expect_exact(sealed, decode_sealed);
  EXPECT_FALSE(decode_sealed(sealed)->server_public);
  EXPECT_EQ(decode_sealed(sealed)->attestation_public, (P256Point{4, 2}));

  const Bytes opened = written([](Writer& writer) {
    encode(writer, Vault::Opened{.root_key = *SecretBytes::copy_of(Bytes(key_size, 5)),
                                 .ca_public = {4, 3},
                                 .attestation_public = {4, 4},
                                 .server_public = Ed25519Point{7, 7}});
  });
  expect_exact(opened, decode_opened);
  EXPECT_EQ(decode_opened(opened)->server_public, (Ed25519Point{7, 7}));
  EXPECT_EQ(decode_opened(opened)->root_key.bytes()[0], 5);

  const Bytes blob{9, 8, 7};
  const Bytes reseal = written([&](Writer& writer) {
    encode(writer, ResealKeys{.root_key = *SecretBytes::copy_of(Bytes(key_size, 4)), .blob = blob});
  });
  expect_exact(reseal, decode_reseal_keys);
  EXPECT_EQ(decode_reseal_keys(reseal)->root_key.bytes()[0], 4);
  EXPECT_EQ(decode_reseal_keys(reseal)->blob.size(), 3U);
  const Bytes sign = written([&](Writer& writer) {
    encode(writer, SignDigest{.blob = blob, .use = KeyUse::attestation, .digest = {6}});
  });
  expect_exact(sign, decode_sign_digest);
  EXPECT_EQ(decode_sign_digest(sign)->use, KeyUse::attestation);

  const Bytes to_sign = written([&](Writer& writer) {
    encode(writer, EventsToSign{.blob = blob, .events = {BytesView(blob), BytesView(blob)}});
  });
  expect_exact(to_sign, decode_events_to_sign);
  EXPECT_EQ(decode_events_to_sign(to_sign)->events.size(), 2U);

  const Bytes signature =
      written([](Writer& writer) { encode(writer, P256Signature{.r = {1}, .s = {2}}); });
  expect_exact(signature, decode_signature);
  EXPECT_EQ(decode_signature(signature)->s[0], 2);

  for (const auto value : {Vault::Destruction::done, Vault::Destruction::nothing_there}) {
    const Bytes destruction = written([&](Writer& writer) { encode(writer, value); });
    expect_exact(destruction, decode_destruction);
    EXPECT_EQ(decode_destruction(destruction), value);
  }
  expect_exact(written([&](Writer& writer) { encode_blob(writer, blob); }), decode_blob_only);
  expect_exact(written([](Writer& writer) { encode_number(writer, 77); }), decode_number);
}

TEST(VaultMessages, OtherValuesAreRefused) {
  const auto sign_with = [](std::uint8_t use, std::size_t size) {
    return written([&](Writer& writer) {
      writer.bytes(Bytes(size, 1));
      writer.u8(use);
      writer.raw(Digest{});
    });
  };
  EXPECT_TRUE(decode_sign_digest(sign_with(1, max_vault_blob)));
  EXPECT_FALSE(decode_sign_digest(sign_with(1, max_vault_blob + 1)));
  EXPECT_FALSE(decode_sign_digest(sign_with(1, 0)));
  EXPECT_FALSE(decode_sign_digest(sign_with(0, 1)));
  EXPECT_FALSE(decode_sign_digest(sign_with(3, 1)));
  EXPECT_FALSE(decode_destruction(Bytes{2}));
  EXPECT_FALSE(decode_provision_keys(written([](Writer& writer) {
    writer.raw(Bytes(key_size, 1));
    writer.u8(2);
  })));
}

}  // namespace
}  // namespace gims::hsm::pkcs11
