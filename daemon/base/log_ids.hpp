// The journal's message ids: one for each kind of happening, whoever it happens to. `journalctl
// MESSAGE_ID=…` finds every entry of a kind, and `journalctl -x` shows what gims.catalog says about
// it. An id is made once with `systemd-id128 new` and never given to anything else.
#pragma once

#include <string_view>

namespace gims::log {

// 32 lower-case hex digits; anything else does not compile.
class MessageId {
 public:
  explicit consteval MessageId(const char (&digits)[33]) : digits_(digits, 32) {
    for (const char c : digits_) {
      if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) no_hex_digit();
    }
  }
  [[nodiscard]] constexpr std::string_view digits() const noexcept { return digits_; }
  [[nodiscard]] friend constexpr bool operator==(MessageId, MessageId) noexcept = default;

 private:
  static void no_hex_digit();  // not constexpr: called, it ends the compilation
  std::string_view digits_;
};

}  // namespace gims::log

namespace gims::log::id {

// ---- Every daemon -------------------------------------------------------------------------------

// It serves from now on; for gims-keyd also where it is locked, unprovisioned or zeroized.
inline constexpr MessageId started{"a95c8eb2525a4a6197805a2b47ce3146"};
// It ends: its start failed, or something that it cannot do without.
inline constexpr MessageId cannot_run{"5f6adfdfa9a74ae587a792248425da3f"};
// It is not serving yet, for another daemon that is not ready.
inline constexpr MessageId waiting{"83d0d2d8b47c4099a218e2e63fd3b1e6"};
// A port is open; one entry for each.
inline constexpr MessageId listening{"6ae906d982dc403b91772e07b1468386"};
// SIGHUP came; there is nothing to read again.
inline constexpr MessageId reload_ignored{"2f3d047ccdbf42fcb7d55ce3ca3dbda3"};
// Fewer descriptors may be open than its connections need.
inline constexpr MessageId open_files_too_few{"c62c6cbbd1c048809ea1469408b148fa"};
// No user to become is configured, and it was started as root.
inline constexpr MessageId runs_as_root{"c7faf307bb5b455bad27f00a221c8d72"};
// The sandbox has one wall less.
inline constexpr MessageId landlock_missing{"fca86030f78b4ed0bbf738a2b5fc9907"};
// Connections wait in the kernel; it is tried again soon.
inline constexpr MessageId accept_failed{"dbd6327a1eb64a2b8f01b9981712625d"};
// A bug, or a kernel out of order: the process ends after it.
inline constexpr MessageId loop_broken{"2aad4aaf84274b7789e7091047766935"};
// A process of a user who has no right to a socket tried it.
inline constexpr MessageId peer_refused{"197231ce95c54d4f9f4b455c8d1e08bb"};

// ---- gims-keyd ----------------------------------------------------------------------------------

// It found a reason not to open its keys; nothing is handed out until `gims-keyd unlock`, or until
// the TPM or HSM that was away is back.
inline constexpr MessageId keys_locked{"d56993fbb92f460ca75c552523386871"};
// The site's keys were made; once in its life.
inline constexpr MessageId keys_provisioned{"68252831a30c45089b432338139a1eee"};
// The site's keys were destroyed, for good.
inline constexpr MessageId keys_zeroized{"48897883c1ee43beb075a35133ccb151"};
// A ceremony failed, and so did taking its keys back.
inline constexpr MessageId keys_left_behind{"ff99d76f7f844353bb345f3c21a82101"};
// The files were removed, and the hardware may still open copies of them.
inline constexpr MessageId keys_maybe_left{"cc04cce6072010e1556fd7e2e723c0e2"};
// What `keys_locked` told passed by itself.
inline constexpr MessageId keys_open_again{"e8586f7beb7c9fec9a3ea36d03ed009c"};
// The hardware was told that the release which runs is good: no older one opens the keys any more.
inline constexpr MessageId release_raised{"16b1734606b34182830c2b5cee2d515d"};
// The hardware's counter could not be advanced for what was written; tried again.
inline constexpr MessageId counter_not_advanced{"0ddf8e9ed8144e62a1605c7cb9a036a9"};
// People met for something that only a quorum, or the one who makes a site, may do.
inline constexpr MessageId ceremony_began{"673c749730d76c3b3ace9f008e9436f0"};
// It came to its end, and what was decided is done; a provisioning is told by `keys_provisioned`.
inline constexpr MessageId ceremony_done{"86465cdfde47c53274078fa545802d30"};
// It was ended by an administrator, or took more than 30 minutes. Nothing was changed.
inline constexpr MessageId ceremony_dropped{"81625fd9a0195d743d648c0596edb932"};
// The copy of the recovery file beside custody.bin could not be written; tried at the next start.
inline constexpr MessageId recovery_not_copied{"95f2bd719e36c18dac1ffa02608ff5f3"};
// The recovery quorum took older files or an older database as the newest.
inline constexpr MessageId older_accepted{"05b68b1e11e5b65f40390521a0c901d8"};
// A certificate for a device was made.
inline constexpr MessageId device_certified{"7ede17df103077d7c0628856b3f4cc3e"};
// One was revoked.
inline constexpr MessageId device_revoked{"ddf20654fa2c67f198ac6f3943051530"};
// Something that takes two administrators was proposed, approved, withdrawn, done or failed.
inline constexpr MessageId two_persons{"1ae7f17946a14d37a003b7e71b21e719"};
// What was kept for the audit log is lost: its file is damaged.
inline constexpr MessageId acts_damaged{"6310e3ba3f604c638fb5e39531aa1124"};
// It is in memory alone, until gimsd takes it or the process ends.
inline constexpr MessageId acts_not_kept{"0129ada749594472947736a610a234c6"};
// An authenticator's counter is in memory alone: a copy of it is not noticed after a restart.
inline constexpr MessageId counters_not_kept{"44124c2c8d0b4c3f9d3aa12ace85c598"};
// In 90 days or less no TLS certificate can be made any more.
inline constexpr MessageId issuing_ca_ends{"294eb4818b3deed96b9a1ca521798435"};
// A peer asked for what it may not have, or what failed.
inline constexpr MessageId key_request_refused{"c780998d41b84e3382bd547cdf5bc9c9"};
// Attestation goes without one of the logs of what was measured.
inline constexpr MessageId event_log_unreadable{"4196708e888e4636b53e56e505e304fa"};
// A person gave what the keys open with.
inline constexpr MessageId person_opened{"20be1c128eeae555b0f78bc3fb539776"};
// There is a person more, or one less, without whom the keys do not open.
inline constexpr MessageId persons_changed{"be4e3cfb5ee7c881ef757aa449a3a910"};
// A peer left before it had its answer.
inline constexpr MessageId answer_not_taken{"b4caca4588ba4745937de5bcf9b9ca65"};

// ---- Acts of the unit and its alarms (image/root/usr/lib/gims) ----------------------------------

// An administrator at the console asked root for something.
inline constexpr MessageId act_asked{"3704c572211a4bfcaaf2ef25d2d25993"};
// It is done, was refused, or failed.
inline constexpr MessageId act_ended{"cf563980213d45ce8d1288adab6b9e46"};
// Something of the unit is wrong from now on.
inline constexpr MessageId alarm_raised{"860cb4b992f443bb8a44c70e6c05fe73"};
// It is not any more.
inline constexpr MessageId alarm_cleared{"ac5b24fb045d463ca25cbc39063792ea"};

// ---- gims-pkcs11d -------------------------------------------------------------------------------

// The module did not answer in time; the process ends after it.
inline constexpr MessageId hsm_hangs{"9b4584e7dcee4cf1acb5034930c1b986"};
// The module cannot start now; it is tried again at the next request.
inline constexpr MessageId hsm_away{"da2e17e26cd448b9ab5273724bcd8911"};
// Its configuration lets the module use the network.
inline constexpr MessageId hsm_network{"e962a17052df4caba72af2b131af3be9"};

// ---- gims-tlsd ----------------------------------------------------------------------------------

// A leaf was made before the old one ended.
inline constexpr MessageId certificate_renewed{"2922b826976a4ac8af0ad5f06098bd90"};
// The old leaf is still good, and tried again to be replaced.
inline constexpr MessageId certificate_not_renewed{"bd30e283dff64aa59796c680b08adc9d"};
// No client can connect.
inline constexpr MessageId certificate_expired{"efae0163c57e4ee594ff5d7886dc3716"};
// The limit on locked memory is below what its connections' keys need; once.
inline constexpr MessageId memory_not_locked{"6d99459484d7af09fa3e92228ecc83f5"};
// At the start: whether the kernel carries TLS.
inline constexpr MessageId tls_carrier{"cc19bb665fe749ef8e8a3fdb648a70e9"};
// A connection goes through the pump, or is closed, though the kernel has TLS; once a minute.
inline constexpr MessageId kernel_tls_refused{"4e4836d17f134c478de148c9e7610da7"};
// Clients are refused, as gimsd takes no connections.
inline constexpr MessageId gimsd_away{"8a8fc065a8d54512b578cc7fb44e9ea0"};
// What `gimsd_away` told is over.
inline constexpr MessageId gimsd_back{"5fe5cb445794498f8bda336dd8b5c7ac"};

// ---- gimsd: connections and requests ------------------------------------------------------------

// What came on the intake is no connection.
inline constexpr MessageId handover_malformed{"f32f7cffb72741a2919aa8b156f9f08e"};
// What libmicrohttpd has to say; shown at debug level alone.
inline constexpr MessageId http_note{"2acf920667b8446f8665c44b590ee332"};
// A reply was under way and its source failed; the client sees a cut connection.
inline constexpr MessageId body_broken_off{"55bc6bd3f9814564b0bd000978ff9b9e"};
// A bug: a reply was not sent as it holds a header that HTTP has no form for.
inline constexpr MessageId header_unsendable{"2c892d32f091474c8141d79de0ff0071"};
// A bug: a handler ended without an answer; the client got 500.
inline constexpr MessageId request_unanswered{"bc49e3e7aa2f43279f88b48c9979351c"};
// A request ended in a failure of ours (500); DETAIL has the cause.
inline constexpr MessageId request_failed{"8989138821964262926eb2828acf13b4"};

// ---- gimsd: store -------------------------------------------------------------------------------

// A commit failed; nothing is written until a restart.
inline constexpr MessageId store_read_only{"20f57d2be7e245459b1862703a62bd53"};
// A statement met a page that is not what was written; told once, until a restart.
inline constexpr MessageId store_damaged{"7b2d1d0f37a24ca496c37bd5727a014b"};
// The check of the whole store found faults, or could not be ended.
inline constexpr MessageId store_check_failed{"ce95b9c9c61a418e86cb513b076e4335"};
// The log was not copied into the database; its commits are safe.
inline constexpr MessageId checkpoint_failed{"618943345d734b5b9696d09896813b41"};
// A task of the background failed; it is tried at the next turn.
inline constexpr MessageId maintenance_failed{"ec21a2aec32f4ac4ac74f91b0b2bfe14"};
// The database has one more step of the schema.
inline constexpr MessageId schema_migrated{"331bd5f19c8c4c2d90077997774df789"};
// A media file could not be written, for another reason than a full disk.
inline constexpr MessageId media_file_unwritten{"3dff44259e3db5f642e1bdae5c31ee81"};
// What an upload left stays on the disk.
inline constexpr MessageId media_file_left{"92da6015405141c9a8506a09de6fe0ad"};
// The start found files that a crash had left of uploads, and removed them.
inline constexpr MessageId media_files_removed{"a1775ec939764d3b81a0df850fa802ab"};

// ---- gimsd: accounts, rooms and the audit log ---------------------------------------------------

// A device was used with a new token, and the old one still counts.
inline constexpr MessageId token_not_ended{"b2366cb45285463eaaf74feea25353d7"};
// The rooms of a user cannot be read, so a wake-up of others is late.
inline constexpr MessageId rooms_unreadable{"8aaee39dfca44b94adddf1d02a59594e"};
// The newest message to a device was dropped.
inline constexpr MessageId to_device_queue_full{"4d5bc5b63b5c404394899f1322b16d5b"};
// gims-keyd has not got the log's newest entry; it is tried again.
inline constexpr MessageId audit_witness_away{"30f6833d5a434b8ca0e312a94142d655"};
// gims-keyd was not told how far the database is; tried again.
inline constexpr MessageId store_not_marked{"9208816b31c94548b6225e3a6160861a"};
// What `audit_witness_away` told is over.
inline constexpr MessageId audit_witness_back{"b01bb8ed33c7498cb2e2bed6ba3340b4"};
// The TPM has not certified the log's newest entry, or the certificate is not kept; it is tried
// again.
inline constexpr MessageId audit_not_certified{"20bb530008f7425ab69928250f71ebee"};
// What gims-keyd did is not in the log yet; it is tried again.
inline constexpr MessageId keyd_acts_waiting{"ed522e7dc2a9483ca693ace2c680475a"};
// The log does not agree with itself or with gims-keyd.
inline constexpr MessageId audit_log_broken{"6edf6a8f4191417cad100b24a32335ca"};

// ---- gimsd: push --------------------------------------------------------------------------------

// The push gateway does not answer, or not as one; tried again.
inline constexpr MessageId push_away{"4ac931f8b6ac00ddbe0daed202d3b549"};
// What `push_away` told is over.
inline constexpr MessageId push_back{"7299afe61cc1341351039356b38ca15f"};
// The push gateway answers, and does not take a notification; once a minute.
inline constexpr MessageId push_refused{"3d977d51d560673630b208f396773edb"};
// The push gateway does not know a pusher's key any more: the pusher was removed.
inline constexpr MessageId pusher_rejected{"006a9177b37eb574e2d475edb8f34793"};
// Push was away for so long that nobody is told of the oldest events any more.
inline constexpr MessageId push_skipped{"3bcdf2cff940ee90a571164f1c64a004"};
// What is to be told cannot be read from the store; once a minute, tried again.
inline constexpr MessageId push_events_unreadable{"04342e0673428ea05cdfcd791d3879cd"};

}  // namespace gims::log::id
