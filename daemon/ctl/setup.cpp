#include "ctl/setup.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "base/utf8.hpp"
#include "ctl/setup_texts.hpp"
#include "hsm/ca/site.hpp"
#include "sys/address.hpp"

namespace gims::ctl {
namespace {

using enum SetupText;

constexpr std::string_view keyd = "/usr/lib/gims/gims-keyd";
constexpr std::string_view stick = "/media/stick/";
// Their addresses are one line of what the act is asked.
constexpr std::size_t most_ports = 24;
constexpr std::size_t most_persons = 16;  // of each kind
constexpr std::size_t longest_wifi = 24;
// Of the image: etc/systemd/network.
constexpr std::string_view usual_management = "10.73.0.1/24";
constexpr std::string_view usual_officers = "10.73.2.1/23";
// For those who read either language, in the letters of the kernel's console.
constexpr std::string_view hindi_elsewhere =
    "Hindi: at the serial line (ttyS0). Is screen par Devanagari nahin dikhti; Hindi ke liye "
    "serial line par setup likhen.";

enum class Next : std::uint8_t { forward, back, leave };

struct Port {
  std::string address;  // of its hardware
  std::string shown;    // all that the act says of it
  std::string network = "none";
};

struct Site {
  std::string name = "gims.internal";
  std::string organisation;
  std::string dns;
  std::vector<Port> ports;
  std::string management{usual_management};
  std::string officers{usual_officers};
  std::string wifi;
  std::vector<std::string> administrators;  // NAME=FILE
  std::vector<std::string> security_officers;
  std::string shares = "3/5";
  std::string shares_to = "paper";
};

std::optional<unsigned> number_of(std::string_view text, unsigned least, unsigned most) {
  unsigned number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool whole = error == std::errc{} && end == text.data() + text.size();
  if (!whole || number < least || number > most) return std::nullopt;
  return number;
}

struct Network {
  std::uint32_t address;
  std::uint32_t mask;
};

std::optional<Network> network_of(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto address = sys::IpAddress::parse(std::string(text.substr(0, slash)));
  const auto length = number_of(text.substr(slash + 1), 16, 28);
  if (!address || address->family != sys::IpAddress::Family::v4 || !length) return std::nullopt;
  Network found{.address = 0, .mask = ~std::uint32_t{0} << (32 - *length)};
  for (std::size_t at = 0; at < 4; ++at) found.address = found.address << 8 | address->bytes[at];
  const std::uint32_t host = found.address & ~found.mask;
  if (host == 0 || host == ~found.mask) return std::nullopt;  // the network, all of its devices
  return found;
}

bool is_apart(const Network& one, const Network& other) {
  const std::uint32_t both = one.mask & other.mask;
  return (one.address & both) != (other.address & both);
}

bool is_wifi_name(std::string_view name) {
  return !name.empty() && name.size() <= longest_wifi && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  });
}

bool is_scheme(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return false;
  const auto needed = number_of(text.substr(0, slash), 2, 16);
  const auto all = number_of(text.substr(slash + 1), 2, 16);
  return needed && all && *needed <= *all;
}

bool is_on_stick(std::string_view file) {
  return file.starts_with(stick) && file.size() > stick.size() && !file.contains("..");
}

std::string_view name_of(std::string_view person) { return person.substr(0, person.find('=')); }

class Setup {
 public:
  explicit Setup(const SetupSurroundings& with) : with_(with) {}

  SetupEnd run() {
    static constexpr std::array steps{&Setup::language,       &Setup::clock,  &Setup::name,
                                      &Setup::organisation,   &Setup::dns,    &Setup::ports,
                                      &Setup::addresses,      &Setup::wifi,   &Setup::named,
                                      &Setup::officers_named, &Setup::shares, &Setup::shares_to,
                                      &Setup::summary};
    for (std::size_t at = 0; at < steps.size();) {
      const Next next = (this->*steps[at])();
      if (next == Next::leave) {
        say(not_done);
        return SetupEnd::left;
      }
      // A step that asks nothing is passed in both directions.
      at = next == Next::forward ? at + 1 : std::max<std::size_t>(at, first_ + 1) - 1;
    }
    return make();
  }

 private:
  // ---- asking

  void say(SetupText what) { line(text_of(language_, what)); }
  void line(std::string_view text) { with_.say(std::string(text) + "\n"); }

  // The answer is in answer_ when it is `forward`.
  Next ask(std::string_view question, std::string_view usual) {
    for (;;) {
      std::string prompt(question);
      if (!usual.empty()) prompt.append(" [").append(usual).append("]");
      with_.say(prompt + ": ");
      auto typed = with_.line();
      if (!typed || *typed == "leave") return Next::leave;
      if (*typed == "back") return Next::back;
      const bool plain = std::ranges::none_of(
          *typed, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
      if (typed->size() > longest_answer || !plain || !is_utf8(*typed)) {
        say(line_wrong);
        continue;
      }
      answer_ = typed->empty() ? std::string(usual) : std::move(*typed);
      return Next::forward;
    }
  }
  Next ask(SetupText question, std::string_view usual = {}) {
    return ask(text_of(language_, question), usual);
  }

  // Asks until the answer is good; `good` says itself what is wrong.
  template <class Good>
  Next ask_until(SetupText question, const std::string& usual, const Good& good) {
    for (;;) {
      if (const Next next = ask(question, usual); next != Next::forward) return next;
      if (good(answer_)) return Next::forward;
    }
  }
  template <class Good>
  Next ask_for(SetupText question, std::string& into, SetupText wrong, const Good& good) {
    const Next next = ask_until(question, into, [&](const std::string& answer) {
      if (!good(answer)) say(wrong);
      return good(answer);
    });
    if (next == Next::forward) into = answer_;
    return next;
  }

  // ---- steps

  Next language() {
    if (!with_.devanagari) {
      first_ = 1;
      line(hindi_elsewhere);
      say(hello);
      return Next::forward;
    }
    for (;;) {
      const Next next = ask("English: en, हिन्दी: hi", "en");
      if (next != Next::forward) return next;
      if (answer_ == "en" || answer_ == "hi") break;
    }
    language_ = answer_ == "hi" ? Language::hindi : Language::english;
    say(hello);
    return Next::forward;
  }

  bool act(const Act& asked) {
    const auto acted = with_.act(asked, [this](std::string_view text) { line(text); });
    if (!acted) {
      line(acted.error().text);
      return false;
    }
    if (acted->end != ActEnd::done) line(acted->text);
    return acted->end == ActEnd::done;
  }

  Next clock() {
    act({.name = "clock", .values = {}});
    std::string before;
    return ask_until(SetupText::clock, "", [&](const std::string& time) {
      if (time.empty()) return true;
      Act set{.name = "clock", .values = {{"time", time}}};
      // A jump of more than a day is meant when it is said twice.
      if (time == before) set.values.emplace_back("far", "yes");
      if (act(set)) return true;
      before = time;
      say(clock_again);
      return false;
    });
  }

  Next name() { return ask_for(SetupText::site, site_.name, dns_wrong, hsm::is_dns_name); }
  Next organisation() {
    return ask_for(SetupText::organisation, site_.organisation, organisation_wrong,
                   [this](const std::string& whose) {
                     // As gims-keyd will judge it.
                     return hsm::check_site({.server_name = site_.name,
                                             .organisation = whose,
                                             .dns_names = {site_.name},
                                             .addresses = {}})
                         .has_value();
                   });
  }
  Next dns() {
    if (site_.dns.empty()) site_.dns = site_.name;
    return ask_for(SetupText::dns, site_.dns, dns_wrong, hsm::is_dns_name);
  }

  // "NAME ADDRESS …", a line each.
  void look_for_ports() {
    std::vector<Port> found;
    const auto acted =
        with_.act({.name = "network", .values = {{"do", "list"}}}, [&](std::string_view text) {
          const std::size_t begin = text.find(' ');
          if (begin == std::string_view::npos || found.size() == most_ports) return;
          const std::string_view rest = text.substr(begin + 1);
          found.push_back(
              {.address = std::string(rest.substr(0, rest.find(' '))), .shown = std::string(text)});
        });
    if (!acted) line(acted.error().text);
    for (Port& port : found) {
      const auto known = std::ranges::find(site_.ports, port.address, &Port::address);
      if (known != site_.ports.end()) port.network = known->network;
    }
    site_.ports = std::move(found);
  }

  Next ports() {
    say(SetupText::ports);
    look_for_ports();
    for (Port& port : site_.ports) {
      line("  " + port.shown);
      const Next next =
          ask_for(SetupText::port, port.network, port_wrong, [](std::string_view network) {
            return network == "management" || network == "officers" || network == "uplink" ||
                   network == "none";
          });
      if (next != Next::forward) return next;
    }
    return Next::forward;
  }

  Next addresses() {
    const Next next = ask_for(management_address, site_.management, address_wrong,
                              [](std::string_view text) { return network_of(text).has_value(); });
    if (next != Next::forward) return next;
    return ask_for(officers_address, site_.officers, address_wrong, [this](std::string_view text) {
      const auto network = network_of(text);
      return network && is_apart(*network, *network_of(site_.management));
    });
  }

  Next wifi() {
    if (site_.wifi.empty()) site_.wifi = site_.name.substr(0, longest_wifi);
    return ask_for(SetupText::wifi, site_.wifi, wifi_wrong, is_wifi_name);
  }

  bool is_new_person(std::string_view person) const {
    const auto same = [&](const std::string& other) { return name_of(other) == name_of(person); };
    return std::ranges::none_of(site_.administrators, same) &&
           std::ranges::none_of(site_.security_officers, same);
  }

  Next persons(SetupText who, std::vector<std::string>& list) {
    list.clear();
    say(who);
    while (list.size() < most_persons) {
      const Next next = ask(person);
      if (next != Next::forward) return next;
      if (answer_.empty()) {
        if (!list.empty()) return Next::forward;
        say(person_needed);
        continue;
      }
      const std::size_t equal = answer_.find('=');
      const bool good = equal != 0 && equal != std::string::npos &&
                        is_on_stick(answer_.substr(equal + 1)) && is_new_person(answer_) &&
                        with_.readable(answer_.substr(equal + 1));
      if (good) {
        list.push_back(answer_);
      } else {
        say(person_wrong);
      }
    }
    return Next::forward;
  }
  Next named() {
    site_.security_officers.clear();
    return persons(administrators, site_.administrators);
  }
  Next officers_named() { return persons(security_officers, site_.security_officers); }

  Next shares() { return ask_for(SetupText::shares, site_.shares, shares_wrong, is_scheme); }
  Next shares_to() {
    return ask_for(SetupText::shares_to, site_.shares_to, shares_to_wrong,
                   [this](const std::string& to) {
                     return to == "paper" || (is_on_stick(to) && !with_.readable(to));
                   });
  }

  Next summary() {
    say(SetupText::summary);
    line("  site:              " + site_.name);
    line("  organisation:      " + site_.organisation);
    line("  DNS name:          " + site_.dns);
    for (const Port& port : site_.ports) line("  port " + port.shown + ": " + port.network);
    line("  management:        " + site_.management);
    line("  officers:          " + site_.officers);
    line("  Wi-Fi:             " + site_.wifi);
    for (const std::string& one : site_.administrators) line("  administrator:     " + one);
    for (const std::string& one : site_.security_officers) line("  security officer:  " + one);
    line("  recovery shares:   " + site_.shares + ", " + site_.shares_to);
    return ask_until(confirm, "", [](std::string_view answer) { return answer == "yes"; });
  }

  // ---- making

  [[nodiscard]] Act networks() const {
    Act act{.name = "network",
            .values = {{"do", "set"},
                       {"management-address", site_.management},
                       {"officers-address", site_.officers}}};
    for (const std::string network : {"management", "officers", "uplink"}) {
      std::string all;
      for (const Port& port : site_.ports) {
        if (port.network == network) all += (all.empty() ? "" : " ") + port.address;
      }
      if (!all.empty()) act.values.emplace_back(network, all);
    }
    return act;
  }

  [[nodiscard]] Started provision() const {
    std::vector<std::string> words{
        "gims-keyd",      "provision",
        "--server-name",  site_.name,
        "--organisation", site_.organisation,
        "--dns-name",     site_.dns,
        "--address",      site_.officers.substr(0, site_.officers.find('/')),
        "--shares",       site_.shares};
    for (const std::string& one : site_.administrators) {
      words.insert(words.end(), {"--administrator", one});
    }
    for (const std::string& one : site_.security_officers) {
      words.insert(words.end(), {"--security-officer", one});
    }
    if (site_.shares_to != "paper") words.insert(words.end(), {"--shares-to", site_.shares_to});
    return {.path = std::string(keyd), .arguments = std::move(words)};
  }

  SetupEnd make() {
    say(writing);
    const Act names{
        .name = "site",
        .values = {
            {"name", site_.dns}, {"wifi", site_.wifi}, {"officers-address", site_.officers}}};
    if (!act(networks()) || !act(names)) return failed_end();
    say(keys);
    if (!with_.start(provision())) return failed_end();
    say(waiting);
    if (!with_.serves()) {
      say(not_yet);
      return SetupEnd::failed;
    }
    say(done);
    line("https://" + site_.dns + ":8443");
    return SetupEnd::made;
  }
  SetupEnd failed_end() {
    say(failed);
    return SetupEnd::failed;
  }

  const SetupSurroundings& with_;
  Language language_ = Language::english;
  std::size_t first_ = 0;  // the first step that asks
  Site site_;
  std::string answer_;
};

}  // namespace

SetupEnd run_setup(const SetupSurroundings& surroundings) { return Setup(surroundings).run(); }

}  // namespace gims::ctl
