#include "ctl/admin_client.hpp"

#include <curl/curl.h>

#include <cerrno>
#include <memory>

namespace gims::ctl {
namespace {

constexpr std::size_t largest_answer = std::size_t{16} << 20U;
constexpr long connect_seconds = 5;

struct CurlRelease {
  void operator()(CURL* curl) const noexcept { ::curl_easy_cleanup(curl); }
};
using Curl = std::unique_ptr<CURL, CurlRelease>;

struct ListRelease {
  void operator()(curl_slist* list) const noexcept { ::curl_slist_free_all(list); }
};

std::size_t take(char* bytes, std::size_t size, std::size_t count, void* into) noexcept {
  auto& answer = *static_cast<std::string*>(into);
  const std::size_t length = size * count;
  if (answer.size() + length > largest_answer) return 0;
  answer.append(bytes, length);
  return length;
}

std::unexpected<Error> not_reached(const std::string& socket, long os_error, const char* why) {
  std::string text = "gimsd cannot be reached at " + socket + ": ";
  switch (os_error) {
    case ENOENT:
    case ECONNREFUSED:
      text +=
          "nobody listens there. Is gimsd running (systemctl status gimsd), and is --socket what "
          "its configuration says ([admin] socket)?";
      break;
    case EACCES:
    case EPERM:
      text += "this user may not open the socket. Run gimsctl as root.";
      break;
    default:
      text += std::string(why) + ". See journalctl -u gimsd.";
  }
  return fail(ErrorKind::unavailable, "GIMSD_GONE", text);
}

const char* name_of(Verb verb) noexcept {
  switch (verb) {
    case Verb::get:
      return "GET";
    case Verb::post:
      return "POST";
    case Verb::del:
      return "DELETE";
  }
  return "GET";
}

}  // namespace

Result<Reply> ask(const std::string& socket, const Question& question) {
  const Curl curl(::curl_easy_init());
  const std::unique_ptr<curl_slist, ListRelease> headers(
      ::curl_slist_append(nullptr, "Content-Type: application/json"));
  if (!curl || !headers) {
    return fail(ErrorKind::unavailable, "CURL", "gimsctl has no memory left.");
  }
  CURL* const handle = curl.get();
  // The host's name means nothing on a Unix socket; HTTP wants one.
  const std::string url = "http://gimsd/_gims/admin/v1" + question.path;
  std::string answer;
  char why[CURL_ERROR_SIZE] = "";
  ::curl_easy_setopt(handle, CURLOPT_URL, url.c_str());
  ::curl_easy_setopt(handle, CURLOPT_UNIX_SOCKET_PATH, socket.c_str());
  ::curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http");
  // Whatever the environment says of proxies.
  ::curl_easy_setopt(handle, CURLOPT_NOPROXY, "*");
  ::curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  ::curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT, connect_seconds);
  ::curl_easy_setopt(handle, CURLOPT_TIMEOUT, static_cast<long>(question.patience.count()));
  ::curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, why);
  ::curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, take);
  ::curl_easy_setopt(handle, CURLOPT_WRITEDATA, &answer);
  ::curl_easy_setopt(handle, CURLOPT_CUSTOMREQUEST, name_of(question.verb));
  const std::string_view body = question.body.reveal();
  if (question.verb == Verb::post) {
    ::curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers.get());
    ::curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE, static_cast<long>(body.size()));
    ::curl_easy_setopt(handle, CURLOPT_POSTFIELDS, body.data() == nullptr ? "" : body.data());
  }
  const CURLcode done = ::curl_easy_perform(handle);
  if (done != CURLE_OK) {
    long os_error = 0;
    ::curl_easy_getinfo(handle, CURLINFO_OS_ERRNO, &os_error);
    if (done != CURLE_COULDNT_CONNECT) os_error = 0;
    return not_reached(socket, os_error, why[0] == '\0' ? ::curl_easy_strerror(done) : why);
  }
  long status = 0;
  ::curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
  auto json = json::Document::parse(answer, {.max_bytes = largest_answer});
  if (!json || !json->root().is_object()) {
    return not_reached(socket, 0, "what answers there is not gimsd");
  }
  return Reply{.status = static_cast<int>(status), .json = std::move(*json)};
}

std::string escaped(std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '.' || c == '_' || c == '~';
    if (plain) {
      out.push_back(c);
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out.push_back('%');
    out.push_back(digits[byte >> 4U]);
    out.push_back(digits[byte & 15U]);
  }
  return out;
}

}  // namespace gims::ctl
