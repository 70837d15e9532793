// The browser's part of WebAuthn: options come and answers go as the JSON of WebAuthn Level 3, which the contract has too.
import type { Schemas } from "./client";

export class KeyError extends Error {
  constructor(readonly reason: "unsupported" | "address" | "cancelled") {
    super(reason);
  }
}

function check() {
  if (!("PublicKeyCredential" in globalThis) || typeof PublicKeyCredential.parseRequestOptionsFromJSON !== "function") {
    throw new KeyError("unsupported");
  }
  // A credential belongs to a domain; a page that was opened by an IP address has none.
  if (/^(\d+\.){3}\d+$|^\[/.test(location.hostname)) throw new KeyError("address");
}

async function touched(call: Promise<Credential | null>): Promise<PublicKeyCredential> {
  try {
    const credential = await call;
    if (credential instanceof PublicKeyCredential) return credential;
  } catch {
    // The browser tells no more than that it did not come about.
  }
  throw new KeyError("cancelled");
}

export async function assertWith(options: Schemas["RequestOptions"]): Promise<Schemas["AssertionJson"]> {
  check();
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options as PublicKeyCredentialRequestOptionsJSON);
  const credential = await touched(navigator.credentials.get({ publicKey }));
  const { id, rawId, type, response } = credential.toJSON() as Schemas["AssertionJson"];
  return {
    id,
    rawId,
    type,
    response: {
      clientDataJSON: response.clientDataJSON,
      authenticatorData: response.authenticatorData,
      signature: response.signature,
    },
  };
}

export async function registerWith(options: Schemas["CreationOptions"]): Promise<Schemas["RegistrationJson"]> {
  check();
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options as PublicKeyCredentialCreationOptionsJSON);
  const credential = await touched(navigator.credentials.create({ publicKey }));
  const { id, rawId, type, response } = credential.toJSON() as Schemas["RegistrationJson"];
  return {
    id,
    rawId,
    type,
    response: {
      clientDataJSON: response.clientDataJSON,
      attestationObject: response.attestationObject,
      publicKey: response.publicKey,
      publicKeyAlgorithm: response.publicKeyAlgorithm,
    },
  };
}
