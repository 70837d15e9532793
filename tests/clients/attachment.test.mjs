// node --test tests/clients/attachment.test.mjs

import assert from "node:assert/strict";
import { createDecipheriv } from "node:crypto";
import { test } from "node:test";
import { decryptAttachment, encryptAttachment } from "./attachment.mjs";

const text = new TextEncoder().encode("गोपनीय टिप्पणी: बैठक 16:00 बजे. Confidential note: meeting at 16:00. ".repeat(100));

test("a file comes back as it was", async () => {
    const { ciphertext, file } = await encryptAttachment(text);
    assert.notDeepEqual(ciphertext, text);
    assert.deepEqual(await decryptAttachment(ciphertext, file), text);
});

test("another implementation of AES-CTR reads it", async () => {
    const { ciphertext, file } = await encryptAttachment(text);
    const iv = Buffer.from(file.iv, "base64");
    assert.equal(iv.readBigUInt64BE(8), 0n, "the counter starts at zero");
    const decipher = createDecipheriv("aes-256-ctr", Buffer.from(file.key.k, "base64url"), iv);
    assert.deepEqual(new Uint8Array(Buffer.concat([decipher.update(ciphertext), decipher.final()])), text);
});

test("two files never share a key or a counter block", async () => {
    const [one, two] = [await encryptAttachment(text), await encryptAttachment(text)];
    assert.notEqual(one.file.key.k, two.file.key.k);
    assert.notEqual(one.file.iv, two.file.iv);
});

test("a changed ciphertext is refused", async () => {
    const { ciphertext, file } = await encryptAttachment(text);
    ciphertext[10] ^= 1;
    await assert.rejects(decryptAttachment(ciphertext, file), /SHA-256/);
});
