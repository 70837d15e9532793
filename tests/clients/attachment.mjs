// Encryption of a file as the specification has it for encrypted rooms ("Sending encrypted
// attachments"): AES-256-CTR with a key and a counter block used once, and the ciphertext's SHA-256.

const { subtle } = globalThis.crypto;

const unpadded = (bytes) => Buffer.from(bytes).toString("base64").replace(/=+$/, "");
const cipher = (iv) => ({ name: "AES-CTR", counter: iv, length: 64 });

// The ciphertext, and the "file" object of the event without its url.
export async function encryptAttachment(plaintext) {
    // The counter is the lower 64 bits of the block and starts at zero, so that it cannot overflow.
    const iv = new Uint8Array(16);
    globalThis.crypto.getRandomValues(iv.subarray(0, 8));
    const key = await subtle.generateKey({ name: "AES-CTR", length: 256 }, true, ["encrypt", "decrypt"]);
    const ciphertext = new Uint8Array(await subtle.encrypt(cipher(iv), key, plaintext));
    const { kty, alg, ext, k } = await subtle.exportKey("jwk", key);
    return {
        ciphertext,
        file: {
            v: "v2",
            key: { kty, alg, ext, k, key_ops: ["encrypt", "decrypt"] },
            iv: unpadded(iv),
            hashes: { sha256: unpadded(await subtle.digest("SHA-256", ciphertext)) },
        },
    };
}

// The plaintext. Throws when the ciphertext is not the one that was sent.
export async function decryptAttachment(ciphertext, file) {
    if (file.v !== "v2") throw new Error(`attachment of unknown version ${file.v}`);
    const digest = unpadded(await subtle.digest("SHA-256", ciphertext));
    if (digest !== file.hashes?.sha256?.replace(/=+$/, "")) throw new Error("attachment's SHA-256 does not match");
    const key = await subtle.importKey("jwk", file.key, { name: "AES-CTR" }, false, ["decrypt"]);
    const iv = new Uint8Array(Buffer.from(file.iv, "base64"));
    return new Uint8Array(await subtle.decrypt(cipher(iv), key, ciphertext));
}
