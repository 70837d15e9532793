#include "hsm/main/ceremonies.hpp"

#include <cstdio>
#include <optional>
#include <utility>

#include "hsm/ca/hex.hpp"
#include "hsm/main/commands.hpp"
#include "hsm/main/root_key_file.hpp"
#include "hsm/main/share_file.hpp"
#include "hsm/main/terminal.hpp"
#include "hsm/proto/bytes.hpp"
#include "hsm/proto/client.hpp"
#include "sys/address.hpp"
#include "sys/atomic_file.hpp"

namespace gims::hsm {
namespace {

std::unexpected<Error> refused(const std::string& text) {
  return fail(ErrorKind::bad_input, "GIMS_KEYD_REQUEST", text);
}

std::string_view text_of(const SecretBytes& secret) {
  return {reinterpret_cast<const char*>(secret.bytes().data()), secret.size()};
}

// One ceremony, from its beginning on. Ended when it goes, unless it came to its end.
class Held {
 public:
  static Result<Held> begin(Client& client, const CeremonyRequest& request) {
    GIMS_TRY_ASSIGN(CeremonyReply now, client.ceremony_begin(request));
    return Held(client, std::move(now));
  }
  Held(Held&& other) noexcept
      : client_(std::exchange(other.client_, nullptr)), now_(std::move(other.now_)) {}
  Held& operator=(Held&&) = delete;
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;
  ~Held() {
    // Where this fails, it ends by itself.
    if (client_ != nullptr) static_cast<void>(client_->ceremony_abort());
  }

  Result<> give_all_of(const std::string& path) {
    GIMS_TRY_ASSIGN(const ShareFile file, ShareFile::read(path));
    for (const std::string_view share : file.shares()) {
      if (now_.stage != CeremonyStage::gather) return {};
      GIMS_TRY_ASSIGN(now_, client_->ceremony_give({.id = now_.id, .words = bytes_of(share)}));
    }
    if (now_.stage != CeremonyStage::gather) return {};
    return refused(path + " has not enough shares: " + progress_of(now_) + ".");
  }

  Result<> ask_for_shares(const Terminal& terminal) {
    GIMS_TRY(terminal.write("Shares of generation " + std::to_string(now_.generation) +
                            " are needed. Nothing is shown while they are typed.\n"));
    while (now_.stage == CeremonyStage::gather) {
      GIMS_TRY_ASSIGN(const SecretBytes typed,
                      terminal.read_hidden("A share (" + progress_of(now_) + "): "));
      if (typed.empty()) continue;
      auto given = client_->ceremony_give({.id = now_.id, .words = typed.bytes()});
      if (!given && given.error().code != "GIMS_KEYD_SHARE") return pass(std::move(given));
      if (!given) {
        GIMS_TRY(terminal.write(given.error().text + "\n"));
        continue;
      }
      now_ = std::move(*given);
      if (now_.taken == CeremonyReply::Taken::duplicate) {
        GIMS_TRY(terminal.write("This share was given before.\n"));
      }
      if (now_.taken == CeremonyReply::Taken::surplus) {
        GIMS_TRY(terminal.write("This share is good, and was not needed.\n"));
      }
    }
    return terminal.write("The quorum is complete.\n");
  }

  Result<> write_shares(ShareFileWriter& file) {
    return for_each_new([&](const ShareRequest& which, const std::string& name) -> Result<> {
      GIMS_TRY_ASSIGN(const SecretBytes words, client_->ceremony_share(which));
      return file.add(name, text_of(words));
    });
  }

  Result<> show_shares(const Terminal& terminal) {
    return for_each_new([&](const ShareRequest& which, const std::string& name) -> Result<> {
      GIMS_TRY(terminal.clear());
      GIMS_TRY(terminal.wait("Let its holder alone see the screen: " + name +
                             ". Press Enter to show it. "));
      GIMS_TRY(show(terminal, which, name));
      return confirm(terminal, which, name);
    });
  }

  Result<> finish() {
    auto answer = client_->ceremony_finish({.id = now_.id});
    if (!answer) {
      if (!now_.hands_out.groups.empty()) {
        answer.error().text +=
            " Keep the new shares and the old ones until the next ceremony tells which generation "
            "it asks for.";
      }
      return pass(std::move(answer));
    }
    const FinishReply& done = *answer;
    client_ = nullptr;
    std::printf("%s\nShares in force: generation %u\nSite root (SHA-256): %s\n", done.text.c_str(),
                static_cast<unsigned>(done.generation), fingerprint(done.root_sha256).c_str());
    return {};
  }

 private:
  Held(Client& client, CeremonyReply now) : client_(&client), now_(std::move(now)) {}

  template <class Do>
  Result<> for_each_new(const Do& act) const {
    std::uint8_t group = 0;
    for (const ShareGroup& scheme : now_.hands_out.groups) {
      for (std::uint8_t member = 0; member < scheme.count; ++member) {
        const std::string name = "group " + std::to_string(group + 1) + ", share " +
                                 std::to_string(member + 1) + " of " +
                                 std::to_string(scheme.count) + ", " +
                                 std::to_string(scheme.threshold) + " needed";
        GIMS_TRY(act(ShareRequest{.id = now_.id, .group = group, .member = member}, name));
      }
      ++group;
    }
    return {};
  }

  Result<> show(const Terminal& terminal, const ShareRequest& which,
                const std::string& name) const {
    GIMS_TRY_ASSIGN(const SecretBytes words, client_->ceremony_share(which));
    GIMS_TRY(terminal.write("\n\n" + name + "\n\n"));
    // Four words a line, each with its number.
    std::string_view rest = text_of(words);
    for (unsigned number = 1; !rest.empty(); ++number) {
      const std::size_t end = rest.find(' ');
      GIMS_TRY(terminal.write((number < 10 ? " " : "") + std::to_string(number) + " "));
      GIMS_TRY(terminal.write(rest.substr(0, end)));
      GIMS_TRY(terminal.write(number % 4 == 0 ? "\n" : "\t"));
      rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    }
    GIMS_TRY(
        terminal.wait("\n\nWrite the words down in their order. Press Enter: they are cleared. "));
    return terminal.clear();
  }

  Result<> confirm(const Terminal& terminal, const ShareRequest& which, const std::string& name) {
    while (true) {
      GIMS_TRY_ASSIGN(
          const SecretBytes typed,
          terminal.read_hidden("Type it again from the paper (Enter alone shows it once "
                               "more); " +
                               name + ": "));
      if (typed.empty()) {
        GIMS_TRY(show(terminal, which, name));
        continue;
      }
      auto confirmed = client_->ceremony_confirm({.which = which, .words = typed.bytes()});
      if (confirmed) {
        now_.stage = confirmed->stage;
        return {};
      }
      if (confirmed.error().code != "GIMS_KEYD_SHARE") return pass(std::move(confirmed));
      GIMS_TRY(terminal.write(confirmed.error().text + "\n"));
    }
  }

  Client* client_;  // null: it is over
  CeremonyReply now_;
};

Result<> hold(const Settings& settings, CeremonyRequest request, const ShareArguments& shares) {
  const bool gathers = request.kind != CeremonyKind::provision;
  const bool hands_out = !request.scheme.groups.empty();
  // What can be missing here, before gims-keyd is asked.
  std::optional<Terminal> terminal;
  if ((gathers && shares.from.empty()) || (hands_out && shares.to.empty())) {
    GIMS_TRY_ASSIGN(Terminal opened,
                    Terminal::open("There is no terminal to show and type shares at: give "
                                   "--shares-from and --shares-to."));
    terminal.emplace(std::move(opened));
  }
  std::optional<ShareFileWriter> file;
  if (!shares.to.empty()) {
    GIMS_TRY_ASSIGN(ShareFileWriter created, ShareFileWriter::create(shares.to));
    file.emplace(std::move(created));
    request.confirm = false;
  }
  GIMS_TRY_ASSIGN(const auto client, running(settings));
  GIMS_TRY_ASSIGN(Held held, Held::begin(*client, request));
  if (gathers) {
    GIMS_TRY(shares.from.empty() ? held.ask_for_shares(*terminal) : held.give_all_of(shares.from));
  }
  if (file) {
    GIMS_TRY(held.write_shares(*file));
    GIMS_TRY(file->sync());
  } else if (hands_out) {
    GIMS_TRY(held.show_shares(*terminal));
  }
  // An answer that is lost does not say that nothing was done.
  if (file) file->keep();
  GIMS_TRY(held.finish());
  if (file) {
    std::printf(
        "THE SHARES LIE IN %s: whoever reads it has the site's keys. Print it and destroy it.\n",
        shares.to.c_str());
  }
  return {};
}

Result<SiteParameters> site_of(const ProvisionArguments& arguments) {
  SiteParameters site;
  site.server_name = arguments.server_name;
  site.organisation = arguments.organisation;
  site.dns_names = arguments.dns_names;
  for (const std::string& text : arguments.addresses) {
    const auto address = sys::IpAddress::parse(text);
    if (!address) {
      return refused("\"" + text + "\" must be an IP address such as 192.0.2.1 or 2001:db8::1.");
    }
    const bool v4 = address->family == sys::IpAddress::Family::v4;
    site.addresses.emplace_back(address->bytes.begin(), address->bytes.begin() + (v4 ? 4 : 16));
  }
  return site;
}

// Of development; no path: none.
Result<SecretBytes> key_from(const std::string& path) {
  if (path.empty()) return SecretBytes();
  return read_root_key(path);
}

}  // namespace

Result<> run_provision(const Settings& settings, const ProvisionArguments& arguments,
                       const SchemeArguments& scheme, const ShareArguments& shares) {
  CeremonyRequest request;
  request.kind = CeremonyKind::provision;
  request.replace = arguments.replace;
  GIMS_TRY_ASSIGN(request.site, site_of(arguments));
  GIMS_TRY_ASSIGN(request.scheme, scheme_of(scheme));
  request.administrators = arguments.administrators;
  GIMS_TRY_ASSIGN(request.dev_root_key, key_from(arguments.dev_root_key_file));
  GIMS_TRY_ASSIGN(request.dev_recovery_secret, key_from(arguments.dev_recovery_secret_file));
  return hold(settings, std::move(request), shares);
}

Result<> run_reshare(const Settings& settings, const SchemeArguments& scheme,
                     const std::string& dev_recovery_secret_file, const ShareArguments& shares) {
  CeremonyRequest request;
  request.kind = CeremonyKind::reshare;
  GIMS_TRY_ASSIGN(request.scheme, scheme_of(scheme));
  GIMS_TRY_ASSIGN(request.dev_recovery_secret, key_from(dev_recovery_secret_file));
  return hold(settings, std::move(request), shares);
}

Result<> run_name_administrators(const Settings& settings, Bytes administrators,
                                 const ShareArguments& shares) {
  CeremonyRequest request;
  request.kind = CeremonyKind::administrators;
  request.administrators = std::move(administrators);
  return hold(settings, std::move(request), shares);
}

Result<> run_recover(const Settings& settings, const std::string& file, bool replace,
                     Bytes administrators, const ShareArguments& shares) {
  CeremonyRequest request;
  request.kind = CeremonyKind::restore;
  request.administrators = std::move(administrators);
  request.replace = replace;
  if (!file.empty()) {
    GIMS_TRY_ASSIGN(request.recovery_file, sys::read_file(file, max_recovery_file));
  }
  return hold(settings, std::move(request), shares);
}

Result<> run_accept_older(const Settings& settings, const ShareArguments& shares) {
  CeremonyRequest request;
  request.kind = CeremonyKind::accept;
  return hold(settings, std::move(request), shares);
}

Result<> run_renew_ca(const Settings& settings, const ShareArguments& shares) {
  CeremonyRequest request;
  request.kind = CeremonyKind::renew_ca;
  return hold(settings, std::move(request), shares);
}

Result<> run_abort_ceremony(const Settings& settings) {
  GIMS_TRY_ASSIGN(const auto client, running(settings));
  GIMS_TRY(client->ceremony_abort());
  std::printf("No ceremony is going on.\n");
  return {};
}

Result<> run_recovery_file(const Settings& settings, const std::string& out) {
  GIMS_TRY_ASSIGN(const auto client, running(settings));
  GIMS_TRY_ASSIGN(const RecoveryFileReply reply, client->recovery_file());
  GIMS_TRY(sys::write_file_atomically(out, reply.file, 0600));
  std::printf("Written to %s. It opens with a quorum of the shares alone; keep several copies.\n",
              out.c_str());
  return {};
}

}  // namespace gims::hsm
