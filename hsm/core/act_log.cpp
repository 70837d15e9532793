#include "hsm/core/act_log.hpp"

#include <sodium.h>

#include <algorithm>
#include <utility>

#include "base/log.hpp"
#include "base/utf8.hpp"
#include "hsm/core/file_start.hpp"
#include "hsm/core/keys.hpp"

namespace gims::hsm {
namespace {

constexpr std::string_view magic = "GIMSACTS";
constexpr std::uint16_t file_version = 1;
constexpr std::size_t max_file = std::size_t{96} * 1024;

// What a field of the message holds.
std::string fitting(std::string text) {
  text.resize(cut_utf8(text, max_act).size());
  for (char& c : text) {
    const auto byte = static_cast<std::uint8_t>(c);
    if (byte < 0x20 || byte == 0x7f) c = ' ';
  }
  return text;
}

}  // namespace

Result<Bytes> encode_acts_file(const ActsReply& acts, const SecretBytes& root_key) {
  Bytes room(max_file);
  Writer writer(room);
  write_start(writer, magic, file_version);
  encode(writer, acts);
  GIMS_TRY(writer.frame({}));  // says whether all found room
  GIMS_TRY_ASSIGN(const SecretBytes key, derive(root_key, Purpose::acts_file));
  Bytes bytes(writer.body().begin(), writer.body().end());
  append_mac(key, bytes);
  return bytes;
}

Result<ActsReply> decode_acts_file(BytesView file, const SecretBytes& root_key) {
  GIMS_TRY_ASSIGN(const SecretBytes key, derive(root_key, Purpose::acts_file));
  GIMS_TRY_ASSIGN(const BytesView body, checked_by_mac(key, file));
  Reader reader(body);
  read_start(reader, magic, file_version);
  if (!reader.good()) {
    return fail(ErrorKind::unavailable, "GIMS_KEYD_CUSTODY",
                "It is of a version that this gims-keyd does not know.");
  }
  return decode_acts(body.subspan(magic.size() + sizeof file_version));
}

void ActLog::push(Act act) {
  if (acts_.size() == max_acts) {
    acts_.erase(acts_.begin());
    ++lost_;
  }
  acts_.push_back(std::move(act));
}

void ActLog::load(const Backing& backing) {
  const auto file = backing.folder->read(StateFolder::acts);
  if (file && !*file) {
    if (!acts_.empty()) keep(backing);
    return;
  }
  auto kept = [&]() -> Result<ActsReply> {
    GIMS_TRY_ASSIGN(const std::optional<Bytes> bytes, file);
    return decode_acts_file(*bytes, *backing.root_key);
  }();
  if (!kept) {
    log::failure(log::id::acts_damaged, "acts.bin cannot be read", kept.error());
    add(&backing,
        {.id = 0,
         .time_ms = 0,
         .actor = "gims-keyd",
         .act = "keyd.acts_damaged",
         .target = {},
         .text = "What gims-keyd had kept for the audit log cannot be read: " + kept.error().text});
    return;
  }
  const std::vector<Act> since = std::exchange(acts_, std::move(kept->acts));
  lost_ = std::max(lost_, kept->lost);
  // The same acts again: the site was opened anew by this process, which has them in memory.
  for (const Act& act : since) {
    if (!std::ranges::contains(acts_, act.id, &Act::id)) push(act);
  }
  keep(backing);
}

void ActLog::add(const Backing* backing, Act act) {
  act.time_ms = clock_.now_ms();
  randombytes_buf(&act.id, sizeof act.id);
  act.actor = fitting(std::move(act.actor));
  act.act = fitting(std::move(act.act));
  act.target = fitting(std::move(act.target));
  act.text = fitting(std::move(act.text));
  push(std::move(act));
  if (backing != nullptr) keep(*backing);
}

ActsReply ActLog::take(const Backing& backing, std::uint64_t taken) {
  if (const auto last = std::ranges::find(acts_, taken, &Act::id); last != acts_.end()) {
    acts_.erase(acts_.begin(), last + 1);
    lost_ = 0;  // of those it was told with the ones that it took
    keep(backing);
  }
  return {.acts = acts_, .lost = lost_};
}

void ActLog::clear() noexcept {
  acts_.clear();
  lost_ = 0;
}

void ActLog::keep(const Backing& backing) {
  const auto kept = [&]() -> Result<> {
    if (acts_.empty()) return backing.folder->destroy(StateFolder::acts);
    GIMS_TRY_ASSIGN(const Bytes file,
                    encode_acts_file({.acts = acts_, .lost = lost_}, *backing.root_key));
    return backing.folder->write(StateFolder::acts, file);
  }();
  if (!kept) {
    log::failure(log::id::acts_not_kept, "acts.bin cannot be written", kept.error());
  }
}

}  // namespace gims::hsm
