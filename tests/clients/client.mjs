// One officer's client: matrix-js-sdk with its Rust crypto, as Element Web uses it. The crypto store is
// in memory: a process is a device for as long as it lives.

import * as sdk from "matrix-js-sdk";
import { CryptoEvent, decodeRecoveryKey, OnlySignedDevicesIsolationMode } from "matrix-js-sdk/lib/crypto-api/index.js";
import { VerificationPhase, VerificationRequestEvent, VerifierEvent } from "matrix-js-sdk/lib/crypto-api/verification.js";
import { RustBackupManager } from "matrix-js-sdk/lib/rust-crypto/backup.js";
import { decryptAttachment, encryptAttachment } from "./attachment.mjs";

// Up to ten seconds of delay keep a million clients from uploading at once; two need none.
RustBackupManager.maxBackupLoopStartDelayMillis = 0;

const TIMEOUT = Number(process.env.GIMS_CLIENT_TIMEOUT ?? 60) * 1000;
const quiet = process.env.GIMS_CLIENT_DEBUG ? console.error : () => {};
const logger = { trace: quiet, debug: quiet, info: quiet, warn: quiet, error: console.error, getChild: () => logger };

export class Officer {
    #client;
    #password;
    #recoveryKey; // Uint8Array, once known
    #request; // the verification under way
    #sas;
    #wakers = new Set();
    tokens = [];

    // Signs in as a new device and starts to sync.
    async login({ url, user, password, device_name: deviceName = "GIMS test client" }) {
        const anonymous = sdk.createClient({ baseUrl: url, logger });
        const versions = await anonymous.getVersions();
        const login = await anonymous.loginRequest({
            type: "m.login.password",
            identifier: { type: "m.id.user", user },
            password,
            initial_device_display_name: deviceName,
            refresh_token: true,
        });
        this.#password = password;
        this.#keepTokens(login.access_token, login.refresh_token);
        this.#client = sdk.createClient({
            baseUrl: url,
            userId: login.user_id,
            deviceId: login.device_id,
            accessToken: login.access_token,
            refreshToken: login.refresh_token,
            onTokenRefresh: (tokens) => this.#keepTokens(tokens.accessToken, tokens.refreshToken),
            cryptoCallbacks: {
                getSecretStorageKey: async ({ keys }) =>
                    this.#recoveryKey ? [Object.keys(keys)[0], this.#recoveryKey] : null,
                cacheSecretStorageKey: (_id, _info, key) => { this.#recoveryKey = key; },
            },
            logger,
        });
        await this.#client.initRustCrypto({ useIndexedDB: false });
        const crypto = this.#crypto;
        // As strict as a ministry's clients are set: a device that its owner has not signed gets no key.
        crypto.setDeviceIsolationMode(new OnlySignedDevicesIsolationMode());
        this.#client.on(CryptoEvent.VerificationRequestReceived, (request) => this.#follow(request));
        for (const event of [sdk.ClientEvent.Sync, sdk.ClientEvent.Event, sdk.RoomEvent.Timeline, sdk.RoomEvent.MyMembership,
            sdk.MatrixEventEvent.Decrypted, CryptoEvent.DevicesUpdated, CryptoEvent.UserTrustStatusChanged,
            CryptoEvent.KeyBackupSessionsRemaining, CryptoEvent.KeyBackupStatus]) {
            this.#client.on(event, () => this.#wake());
        }
        await this.#client.startClient({ initialSyncLimit: 100, lazyLoadMembers: true });
        await this.#until("the first sync", () => this.#client.isInitialSyncComplete());
        return { user_id: login.user_id, device_id: login.device_id, versions: versions.versions, crypto: crypto.getVersion() };
    }

    // For setup_encryption. Whoever asks keeps it before that is asked for: nothing else opens what is made there.
    async make_recovery_key() {
        return { recovery_key: (await this.#crypto.createRecoveryKeyFromPassphrase()).encodedPrivateKey };
    }

    // First device: makes secret storage, the cross-signing identity and the key backup. Can be asked again, also by
    // another device, when it was interrupted: the identity's private keys are in secret storage before the server
    // has the public ones, which it lets nobody replace.
    async setup_encryption({ recovery_key: encodedPrivateKey }) {
        const crypto = this.#crypto;
        this.#recoveryKey = decodeRecoveryKey(encodedPrivateKey);
        await crypto.bootstrapSecretStorage({
            createSecretStorageKey: async () => ({ encodedPrivateKey, privateKey: this.#recoveryKey, keyInfo: {} }),
        });
        await crypto.bootstrapCrossSigning({
            setupNewCrossSigning: !(await crypto.userHasCrossSigningKeys(this.#client.getUserId(), true)),
            authUploadDeviceSigningKeys: (request) => this.#authenticated(request),
        });
        await crypto.resetKeyBackup();
        await this.#until("the identity to be ready", () => crypto.isCrossSigningReady());
        return { identity: await crypto.getCrossSigningKeyId() };
    }

    // A further device: takes identity and backup over by the recovery key, and restores the history's keys.
    async recover({ recovery_key: recoveryKey }) {
        const crypto = this.#crypto;
        this.#recoveryKey = decodeRecoveryKey(recoveryKey);
        // The library compares the keys that it imports with the public ones, which it must know by then.
        await this.#until("the own identity", () => crypto.userHasCrossSigningKeys(this.#client.getUserId(), true));
        await crypto.bootstrapCrossSigning({});
        await crypto.loadSessionBackupPrivateKeyFromSecretStorage();
        const check = await crypto.checkKeyBackupAndEnable();
        const restored = await crypto.restoreKeyBackup();
        return { ready: await crypto.isCrossSigningReady(), trusted: check?.trustInfo.trusted, ...restored };
    }

    async set_name({ name }) {
        await this.#client.setDisplayName(name);
        return {};
    }

    async create_room({ name, invite }) {
        const { room_id: roomId } = await this.#client.createRoom({
            name, invite, preset: sdk.Preset.PrivateChat, visibility: sdk.Visibility.Private,
            initial_state: [{ type: "m.room.encryption", state_key: "", content: { algorithm: "m.megolm.v1.aes-sha2" } }],
        });
        await this.#until("the room to be encrypted", () => this.#crypto.isEncryptionEnabledInRoom(roomId));
        return { room_id: roomId };
    }

    async join({ room_id: roomId }) {
        await this.#until("the invitation", () => ["invite", "join"].includes(this.#room(roomId)?.getMyMembership()));
        await this.#client.joinRoom(roomId);
        await this.#until("the joined room", () => this.#crypto.isEncryptionEnabledInRoom(roomId));
        return {};
    }

    // Waits until this side knows the other's device, signed by its owner, and sees them in the room.
    async meet({ room_id: roomId, user_id: userId, device_id: deviceId }) {
        await this.#until(`${userId} in the room`, () => this.#room(roomId)?.getMember(userId)?.membership === "join");
        await this.#until(`the signed device ${deviceId}`, async () => {
            await this.#crypto.getUserDeviceInfo([userId], true);
            return (await this.#crypto.getDeviceVerificationStatus(userId, deviceId))?.signedByOwner;
        });
        return {};
    }

    // Waits until this side knows another device of its own user.
    async meet_own({ device_id: deviceId }) {
        const userId = this.#client.getUserId();
        await this.#until(`the own device ${deviceId}`, async () =>
            (await this.#crypto.getUserDeviceInfo([userId], true)).get(userId)?.has(deviceId));
        return {};
    }

    async devices({ user_id: userId }) {
        const found = (await this.#crypto.getUserDeviceInfo([userId], true)).get(userId) ?? new Map();
        return { devices: [...found.keys()].sort() };
    }

    async send_text({ room_id: roomId, text }) {
        const { event_id: eventId } = await this.#client.sendTextMessage(roomId, text);
        return { event_id: eventId };
    }

    async send_file({ room_id: roomId, name, base64, mimetype = "application/octet-stream" }) {
        const plaintext = new Uint8Array(Buffer.from(base64, "base64"));
        const { ciphertext, file } = await encryptAttachment(plaintext);
        // Neither the name nor the type of the file goes to the server.
        const { content_uri: url } = await this.#client.uploadContent(new Blob([ciphertext]), {
            type: "application/octet-stream", includeFilename: false,
        });
        const { event_id: eventId } = await this.#client.sendMessage(roomId, {
            msgtype: sdk.MsgType.File, body: name, filename: name, info: { mimetype, size: plaintext.length }, file: { ...file, url },
        });
        return { event_id: eventId, url };
    }

    // Waits until the event is here and decrypted; says what it holds and how it came.
    async read({ room_id: roomId, event_id: eventId }) {
        const event = await this.#decrypted(roomId, eventId);
        const { shieldColour, shieldReason } = (await this.#crypto.getEncryptionInfoForEvent(event)) ?? {};
        const content = event.getContent();
        return {
            event_id: eventId, sender: event.getSender(), ts: event.getTs(), type: event.getWireType(),
            text: content.body, msgtype: content.msgtype, encrypted: event.isEncrypted(),
            shield: shieldColour, shield_reason: shieldReason,
        };
    }

    async read_file({ room_id: roomId, event_id: eventId }) {
        const { file } = (await this.#decrypted(roomId, eventId)).getContent();
        const address = this.#client.mxcUrlToHttp(file.url, undefined, undefined, undefined, false, true, true);
        const response = await fetch(address, { headers: { Authorization: `Bearer ${this.#client.getAccessToken()}` } });
        if (!response.ok) throw new Error(`download: ${response.status} ${await response.text()}`);
        const plaintext = await decryptAttachment(new Uint8Array(await response.arrayBuffer()), file);
        return { base64: Buffer.from(plaintext).toString("base64") };
    }

    // The room's messages, oldest first, as far back as the server goes.
    async history({ room_id: roomId }) {
        await this.#until("the room", () => this.#room(roomId));
        const room = this.#room(roomId);
        const timeline = room.getLiveTimeline();
        while (timeline.getPaginationToken(sdk.Direction.Backward)) {
            if (!(await this.#client.paginateEventTimeline(timeline, { backwards: true, limit: 100 }))) break;
        }
        const all = timeline.getEvents().filter((event) => event.getWireType() === "m.room.encrypted");
        const events = all.filter((event) => !event.isRedacted());
        for (const event of events) await this.#client.decryptEventIfNeeded(event);
        return {
            messages: events.map((event) => ({
                event_id: event.getId(), sender: event.getSender(), text: event.getContent().body,
                decrypted: !event.isDecryptionFailure(), failure: event.decryptionFailureReason,
            })),
            redacted: all.filter((event) => event.isRedacted()).map((event) => event.getId()),
        };
    }

    // ---- SAS verification: verify (one side), accept (the other), emojis and confirm (both) ----------

    // From device to device, or with events of a room that both are in.
    async verify({ user_id: userId, device_id: deviceId, room_id: roomId }) {
        this.#follow(await (roomId ? this.#crypto.requestVerificationDM(userId, roomId)
            : this.#crypto.requestDeviceVerification(userId, deviceId)));
        await this.#until("the other side's accept", () => this.#asked("phase") >= VerificationPhase.Ready);
        this.#show(await this.#request.startVerification("m.sas.v1"));
        return {};
    }

    async accept() {
        await this.#until("a verification request", () => this.#request);
        await this.#request.accept();
        await this.#until("the verification to start", () => this.#asked("verifier"));
        this.#show(this.#request.verifier);
        return { from: this.#request.otherUserId, device_id: this.#request.otherDeviceId };
    }

    async emojis() {
        await this.#until("the emojis", () => this.#sas);
        return { emojis: this.#sas.sas.emoji };
    }

    async confirm() {
        await this.#sas.confirm();
        await this.#until("the verification's end", () => this.#asked("phase") === VerificationPhase.Done);
        this.#request = this.#sas = undefined;
        return {};
    }

    async mismatch() {
        this.#sas.mismatch();
        await this.#until("the verification's end", () => this.#asked("phase") === VerificationPhase.Cancelled);
        this.#request = this.#sas = undefined;
        return {};
    }

    async trust({ user_id: userId, device_id: deviceId, wait = false }) {
        const status = async () => ({
            user: (await this.#crypto.getUserVerificationStatus(userId)).isCrossSigningVerified(),
            device: (await this.#crypto.getDeviceVerificationStatus(userId, deviceId))?.isVerified() ?? false,
            signed_by_owner: (await this.#crypto.getDeviceVerificationStatus(userId, deviceId))?.signedByOwner ?? false,
        });
        if (wait) await this.#until(`trust in ${userId}`, async () => { const now = await status(); return now.user && now.device; });
        return status();
    }

    // Waits until each message key of this device is in the backup.
    async backed_up() {
        const machine = this.#crypto.olmMachine;
        let counts;
        await this.#until("the key backup", async () => {
            counts = await machine.roomKeyCounts();
            return counts.total === counts.backedUp;
        });
        return { keys: counts.total };
    }

    async logout() {
        const client = this.#client;
        client.stopClient();
        await client.logout(true);
        return {};
    }

    // ---- within ---------------------------------------------------------------------------------------

    get #crypto() { return this.#client.getCrypto(); }

    #room(roomId) { return this.#client.getRoom(roomId); }

    #keepTokens(...tokens) { this.tokens.push(...tokens.filter(Boolean)); }

    #wake() { for (const waker of this.#wakers) waker(); }

    // Waits until a condition holds; it is looked at again at each event of the client.
    async #until(what, condition) {
        const deadline = Date.now() + TIMEOUT;
        for (;;) {
            const woken = new Promise((resolve) => {
                const waker = () => { this.#wakers.delete(waker); clearTimeout(timer); resolve(); };
                // Not each state of the library tells its change by an event.
                const timer = setTimeout(waker, 250);
                this.#wakers.add(waker);
            });
            if (await condition()) return;
            if (this.#asked("phase") === VerificationPhase.Cancelled && !what.endsWith("end")) {
                throw new Error(`verification cancelled: ${this.#request.cancellationCode}`);
            }
            if (Date.now() > deadline) throw new Error(`waited ${TIMEOUT / 1000} s for ${what}`);
            await woken;
        }
    }

    async #decrypted(roomId, eventId) {
        let event;
        await this.#until(`event ${eventId} to be decrypted`, () => {
            event = this.#room(roomId)?.findEventById(eventId);
            return event && !event.status && event.isEncrypted() && event.getClearContent() && !event.isDecryptionFailure();
        }).catch((error) => {
            const state = !event ? "not received" : event.isDecryptionFailure() ? event.decryptionFailureReason : "not decrypted";
            throw new Error(`${error.message} (${state})`);
        });
        return event;
    }

    // "phase" or "verifier" of the request; between a start that has come and its verifier the library throws.
    #asked(what) {
        try {
            return this.#request?.[what];
        } catch {
            return undefined;
        }
    }

    #follow(request) {
        this.#request = request;
        request.on(VerificationRequestEvent.Change, () => this.#wake());
        this.#wake();
    }

    #show(verifier) {
        verifier.on(VerifierEvent.ShowSas, (sas) => { this.#sas = sas; this.#wake(); });
        // A failure shows itself in the request's phase.
        verifier.verify().catch((error) => { console.error(`verification: ${error}`); this.#wake(); });
        this.#sas = verifier.getShowSasCallbacks() ?? undefined;
    }

    // User-interactive authentication by password, for whoever already has an identity to replace.
    async #authenticated(request) {
        try {
            return await request(null);
        } catch (error) {
            if (error.httpStatus !== 401 || !error.data?.flows) throw error;
            return await request({
                type: "m.login.password", session: error.data.session, password: this.#password,
                identifier: { type: "m.id.user", user: this.#client.getUserId() },
            });
        }
    }
}
