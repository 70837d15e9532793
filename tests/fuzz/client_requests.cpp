// Any request of an officer's client to the whole server: each route's decoder, its query and page
// tokens, and the service behind it. The first line is method and target, the rest is the body;
// {user}, {other}, {room}, {event} and {device} stand for those of the site. Whatever is asked, the
// answer is a whole one, JSON where it says so, and never that the server failed.
#include <sys/socket.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "app/site.hpp"
#include "base/check.hpp"
#include "base/clock.hpp"
#include "base/log.hpp"
#include "json/value.hpp"
#include "read_to_end.hpp"
#include "support/temp_folder.hpp"
#include "sys/socket.hpp"

namespace {

using namespace gims;  // NOLINT(google-build-using-namespace)

// Then another site, so that what one input left is not long in the way of the others.
constexpr int requests_of_site = 100;
constexpr std::size_t largest_body = std::size_t{64} << 10U;
constexpr std::string_view server_name = "fuzz.internal";

SecretBytes key(std::uint8_t number) {
  std::array<std::uint8_t, 32> bytes{};
  bytes.fill(number);
  auto made = SecretBytes::copy_of(bytes);
  GIMS_CHECK(made);
  return std::move(*made);
}

struct Answer {
  int status = 0;
  std::string body;
  bool is_json = false;
};

Answer read_answer(std::string_view text) {
  Answer answer;
  const std::size_t end = text.find("\r\n\r\n");
  GIMS_CHECK(text.starts_with("HTTP/1.1 ") && end != std::string_view::npos);
  for (const char digit : text.substr(9, 3)) {
    GIMS_CHECK(digit >= '0' && digit <= '9');
    answer.status = answer.status * 10 + (digit - '0');
  }
  answer.is_json = text.substr(0, end).contains("application/json");
  answer.body = text.substr(end + 4);
  return answer;
}

// Printable ASCII without spaces, whatever it was: heads are the target http_connection.
std::string as_target(std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string target;
  if (!text.starts_with('/')) target = "/";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte > 0x20 && byte < 0x7f) {
      target.push_back(c);
    } else {
      target.append({'%', digits[byte >> 4U], digits[byte & 15U]});
    }
  }
  return target;
}

class FuzzedSite {
 public:
  FuzzedSite() {
    log::set_level(log::Level::error);
    app::SiteOptions options{.services = {.policy = service::test_site_policy(),
                                          .folder = folder_.path(),
                                          .keys = {.data = key(1),
                                                   .media = key(2),
                                                   .token_hash = key(3),
                                                   .audit = key(4),
                                                   .backup = key(5),
                                                   .pepper = key(6)}},
                             .http = {.loops = 1, .workers = 1}};
    service::Policy& policy = options.services.policy;
    policy.server_name = server_name;
    policy.base_url = "https://fuzz.internal";
    policy.longest_poll = std::chrono::milliseconds(1);
    policy.upload_limit = largest_body;
    policy.media_reserve = 0;
    auto opened = app::Site::open(std::move(options), clock_);
    GIMS_CHECK(opened);
    site_ = std::move(*opened);
    GIMS_CHECK(site_->serve());
    other_ = sign_up("other", false);
    user_ = sign_up("desk.officer", true);
    room_ =
        made("POST", "/_matrix/client/v3/createRoom",
             R"({"preset":"public_chat","name":"Desk","invite":[")" + other_ + "\"]}", "room_id");
    event_ = made("PUT", "/_matrix/client/v3/rooms/" + room_ + "/send/m.room.message/first",
                  R"({"msgtype":"m.text","body":"first"})", "event_id");
  }
  FuzzedSite(const FuzzedSite&) = delete;
  FuzzedSite& operator=(const FuzzedSite&) = delete;
  ~FuzzedSite() { site_->stop(); }

  Answer ask(std::string_view method, std::string_view target, std::string_view body) {
    std::string request(method);
    request.append(" ").append(as_target(target));
    request.append(" HTTP/1.1\r\nHost: fuzz.internal\r\nConnection: close\r\n");
    if (!token_.empty()) request.append("Authorization: Bearer ").append(token_).append("\r\n");
    if (!body.empty()) {
      request.append("Content-Type: application/json\r\nContent-Length: ");
      request.append(std::to_string(body.size())).append("\r\n");
    }
    request.append("\r\n").append(body);
    auto pair = sys::stream_pair(sys::Blocking::yes);
    GIMS_CHECK(pair);
    site_->adopt(std::move(pair->first), {.address = "192.0.2.7", .uid = std::nullopt});
    const int fd = pair->second.get();
    // Smaller than the socket's room, so that this never waits for an answer that nobody reads.
    GIMS_CHECK(::send(fd, request.data(), request.size(), MSG_NOSIGNAL) ==
               static_cast<ssize_t>(request.size()));
    const std::string text = read_to_end(fd);
    ++asked_;
    return read_answer(text);
  }

  std::string filled_in(std::string_view text) const {
    std::string filled(text);
    const std::array<std::pair<std::string_view, const std::string&>, 5> names{
        {{"{user}", user_},
         {"{other}", other_},
         {"{room}", room_},
         {"{event}", event_},
         {"{device}", device_}}};
    for (const auto& [name, value] : names) {
      for (std::size_t at = 0; (at = filled.find(name, at)) != std::string::npos;) {
        filled.replace(at, name.size(), value);
        at += value.size();
      }
    }
    return filled;
  }

  // Whether the next input finds what it may rely on.
  bool is_usable(int last_status) {
    return asked_ < requests_of_site &&
           (last_status != 401 ||
            ask("GET", "/_matrix/client/v3/account/whoami", "").status == 200);
  }

 private:
  std::string sign_up(const std::string& name, bool stays) {
    const Answer answer = ask(
        "POST", "/_matrix/client/v3/register",
        R"({"auth":{"type":"m.login.dummy"},"password":"a password of some length","username":")" +
            name + "\",\"device_id\":\"PHONE\"}");
    GIMS_CHECK(answer.status == 200);
    const auto document = json::Document::parse(answer.body);
    GIMS_CHECK(document);
    if (stays) {
      token_ = document->root().get("access_token").string_or("");
      device_ = document->root().get("device_id").string_or("");
    }
    return std::string(document->root().get("user_id").string_or(""));
  }
  std::string made(std::string_view method, std::string_view target, std::string_view body,
                   std::string_view what) {
    const Answer answer = ask(method, target, body);
    GIMS_CHECK(answer.status == 200);
    const auto document = json::Document::parse(answer.body);
    GIMS_CHECK(document);
    return std::string(document->root().get(what).string_or(""));
  }

  test::TempFolder folder_;
  SystemClock clock_;
  std::unique_ptr<app::Site> site_;
  int asked_ = 0;
  std::string token_, user_, other_, device_, room_, event_;
};

FuzzedSite& site(int last_status) {
  static std::unique_ptr<FuzzedSite> made;
  if (!made || !made->is_usable(last_status)) {
    made.reset();
    made = std::make_unique<FuzzedSite>();
  }
  return *made;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t end = text.find('\n');
  const std::size_t space = text.substr(0, end).find(' ');
  if (end == std::string_view::npos || space == std::string_view::npos) return 0;
  std::string_view method = text.substr(0, space);
  if (method != "GET" && method != "PUT" && method != "DELETE") method = "POST";
  static int last_status = 0;
  FuzzedSite& asked = site(last_status);
  const std::string target = asked.filled_in(text.substr(space + 1, end - space - 1));
  const std::string body = asked.filled_in(text.substr(end + 1));
  if (target.size() > 4096 || body.size() > largest_body) return 0;
  const Answer answer = asked.ask(method, target, body);
  last_status = answer.status;
  GIMS_CHECK(answer.status >= 200 && answer.status < 500);
  if (answer.is_json) {
    const auto document = json::Document::parse(answer.body, {.max_bytes = std::size_t{1} << 24U});
    GIMS_CHECK(document);
    GIMS_CHECK(answer.status < 400 || document->root().get("errcode").is_string() ||
               document->root().get("flows").is_array());
  }
  return 0;
}
