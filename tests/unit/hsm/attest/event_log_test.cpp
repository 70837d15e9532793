#include "hsm/attest/event_log.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "hsm/ca/hex.hpp"
#include "support/attest_unit.hpp"
#include "support/process.hpp"
#include "support/temp_folder.hpp"

namespace gims::hsm::attest {
namespace {

using test::digest_of;
using test::FirmwareLog;

Bytes bytes_of(std::string_view text) { return {text.begin(), text.end()}; }

// Events of each kind that has words of its own.
FirmwareLog typical() {
  FirmwareLog log;
  Bytes variable(16, 0xAB);
  for (const int byte : {10, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0}) {
    variable.push_back(static_cast<std::uint8_t>(byte));
  }
  Bytes name = FirmwareLog::wide_text("SecureBoot");
  name.resize(20);
  variable.insert(variable.end(), name.begin(), name.end());
  variable.push_back(1);
  log.event(0, 0x08, digest_of("firmware"), Bytes{1, 0});
  log.event(7, 0x80000001, sha256({variable}), variable);
  log.event(4, 0x80000007, digest_of("Calling EFI Application from Boot Option"),
            bytes_of("Calling EFI Application from Boot Option"));
  log.event(0, 0x04, sha256({Bytes(4)}), Bytes(4));
  log.event(11, 0x0D, digest_of("kernel"), FirmwareLog::wide_text(".linux"));
  return log;
}

TEST(FirmwareLogParser, TellsWhatWasMeasured) {
  const auto log = parse_firmware_log(typical().bytes());
  ASSERT_TRUE(log) << log.error().text;
  ASSERT_EQ(log->events.size(), 5U);
  EXPECT_EQ(log->events[0].words, "version of the firmware");
  EXPECT_EQ(log->events[1].pcr, 7);
  EXPECT_EQ(log->events[1].words, "variable SecureBoot");
  EXPECT_EQ(log->events[2].words, "Calling EFI Application from Boot Option");
  EXPECT_EQ(log->events[3].words, "separator");
  EXPECT_EQ(log->events[4].pcr, 11);
  EXPECT_EQ(log->events[4].digest, digest_of("kernel"));
  EXPECT_EQ(log->events[4].words, ".linux");
}

// tpm2-tools reads the same log, and replays it into the same PCRs.
TEST(FirmwareLogParser, AgreesWithTpm2Tools) {
  const test::TempFolder folder;
  const Bytes bytes = typical().bytes();
  std::ofstream(folder / "log", std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
  const auto told = test::run_command({"tpm2_eventlog", folder.file("log")});
  ASSERT_EQ(told.status, 0) << told.output;
  const auto log = parse_firmware_log(bytes);
  ASSERT_TRUE(log);
  for (const int pcr : {0, 4, 7, 11}) {
    Digest sum{};
    for (const Event& event : log->events) {
      if (event.pcr == pcr) sum = extended(sum, event.digest);
    }
    EXPECT_NE(told.output.find(hex(sum)), std::string::npos) << pcr << "\n" << told.output;
  }
}

TEST(FirmwareLogParser, TakesTheLocalityOfTheStart) {
  FirmwareLog log;
  Bytes locality = FirmwareLog::text("StartupLocality");
  locality.push_back(3);
  log.event(0, 0x03, {}, locality);
  log.event(0, 0x08, digest_of("firmware"), {});
  const auto parsed = parse_firmware_log(log.bytes());
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->startup_locality, 3);
  ASSERT_EQ(parsed->events.size(), 1U);
  Digest begin{};
  begin.back() = 3;
  EXPECT_TRUE(account(*parsed, 0, extended(begin, digest_of("firmware"))));
  EXPECT_FALSE(account(*parsed, 0, extended(Digest{}, digest_of("firmware"))));
}

TEST(FirmwareLogParser, WhatIsCutAnywhereIsRefusedOrTellsLess) {
  const Bytes whole = typical().bytes();
  std::size_t taken = 0;
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const auto parsed = parse_firmware_log(BytesView(whole).first(size));
    if (parsed) {
      ++taken;
      EXPECT_LT(parsed->events.size(), 5U) << size;
    }
  }
  EXPECT_EQ(taken, 5U);  // after its description, and after each event but the last
}

TEST(FirmwareLogParser, RefusesWhatItCannotJudge) {
  EXPECT_FALSE(parse_firmware_log({}));
  EXPECT_FALSE(parse_firmware_log(Bytes(100)));
  Bytes other_digest = typical().bytes();
  // The identifier of SHA-256 in the description.
  const auto at = std::ranges::search(other_digest, Bytes{11, 0, 32, 0}).begin();
  *at = 12;
  EXPECT_FALSE(parse_firmware_log(other_digest));
  FirmwareLog many;
  for (std::size_t i = 0; i <= max_log_events; ++i) many.event(1, 4, {}, {});
  const auto refused = parse_firmware_log(many.bytes());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, "GIMS_ATTEST_LOG");
}

TEST(FirmwareLogParser, WhatALogCallsAnEventCannotSteerATerminal) {
  FirmwareLog log;
  log.event(4, 0x05, {}, bytes_of("a\x1b[2Jb\xc3\xa4"));
  log.event(11, 0x0D, {}, FirmwareLog::wide_text(std::string(1000, 'x')));
  const auto parsed = parse_firmware_log(log.bytes());
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->events[0].words, "a?[2Jb??");
  EXPECT_EQ(parsed->events[1].words, std::string(max_event_words, 'x'));
}

constexpr std::string_view record =
    "\x1e{\"pcr\":11,\"digests\":[{\"hashAlg\":\"sha1\",\"digest\":\"00\"},{\"hashAlg\":\"sha256\","
    "\"digest\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}],"
    "\"content_type\":\"systemd\",\"content\":{\"eventType\":\"phase\",\"string\":\"enter-initrd\"}"
    "}"
    "\n";

TEST(UserspaceLog, TellsWhatWasMeasured) {
  const std::string two = std::string(record) + std::string(record);
  const auto events = parse_userspace_log(bytes_of(two));
  ASSERT_TRUE(events) << events.error().text;
  ASSERT_EQ(events->size(), 2U);
  EXPECT_EQ(events->front().pcr, 11);
  EXPECT_EQ(events->front().words, "phase enter-initrd");
  EXPECT_EQ(events->front().digest[0], 0xAA);
  EXPECT_TRUE(parse_userspace_log({})->empty());
}

TEST(UserspaceLog, LeavesOutWhatIsInNoQuotedPcr) {
  const std::string more = std::string(record) + "\x1e{\"nv_index_name\":\"x\",\"digests\":[]}\n" +
                           "\x1e{\"pcr\":23,\"digests\":[{\"hashAlg\":\"sha256\",\"digest\":\"" +
                           std::string(64, 'b') + "\"}]}\n";
  const auto events = parse_userspace_log(bytes_of(more));
  ASSERT_TRUE(events) << events.error().text;
  EXPECT_EQ(events->size(), 1U);
}

TEST(UserspaceLog, RefusesWhatIsMalformed) {
  for (const std::string& text :
       {std::string("{}"), std::string("\x1e"), std::string("\x1e[]\n"),
        std::string(record.substr(0, record.size() - 4)),
        std::string("\x1e{\"pcr\":11,\"digests\":[]}\n"),
        std::string("\x1e{\"pcr\":-1,\"digests\":[]}\n"),
        std::string("\x1e{\"pcr\":\"11\",\"digests\":[]}\n"),
        std::string(
            "\x1e{\"pcr\":11,\"digests\":[{\"hashAlg\":\"sha256\",\"digest\":\"aa\"}]}\n")}) {
    EXPECT_FALSE(parse_userspace_log(bytes_of(text))) << text;
  }
}

TEST(Account, FindsTheEventsThatMakeAValue) {
  MeasuredEvents log;
  log.events = {{.pcr = 4, .digest = digest_of("a"), .words = "a"},
                {.pcr = 5, .digest = digest_of("b"), .words = "b"},
                {.pcr = 4, .digest = digest_of("c"), .words = "c"}};
  const Digest first = extended(Digest{}, digest_of("a"));
  const Digest both = extended(first, digest_of("c"));
  ASSERT_TRUE(account(log, 4, both));
  EXPECT_EQ(account(log, 4, both)->size(), 2U);
  // What the log has beyond the value came after it.
  EXPECT_EQ(account(log, 4, first)->size(), 1U);
  EXPECT_EQ(account(log, 4, Digest{})->size(), 0U);
  EXPECT_FALSE(account(log, 4, extended(first, digest_of("b"))));
  EXPECT_FALSE(account(log, 5, both));
}

}  // namespace
}  // namespace gims::hsm::attest
