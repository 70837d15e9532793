#include "ctl/transfer.hpp"

#include <curl/curl.h>

#include <cstring>
#include <memory>
#include <utility>

namespace gims::ctl {
namespace {

constexpr long connect_seconds = 5;

struct CurlRelease {
  void operator()(CURL* curl) const noexcept { ::curl_easy_cleanup(curl); }
};
using Curl = std::unique_ptr<CURL, CurlRelease>;

struct ListRelease {
  void operator()(curl_slist* list) const noexcept { ::curl_slist_free_all(list); }
};

struct Into {
  std::string bytes;
  std::size_t most;
};

std::size_t take(char* bytes, std::size_t size, std::size_t count, void* into) noexcept {
  auto& answer = *static_cast<Into*>(into);
  const std::size_t length = size * count;
  if (answer.bytes.size() + length > answer.most) return 0;
  answer.bytes.append(bytes, length);
  return length;
}

}  // namespace

Result<Transferred> transfer(const Transfer& request) {
  const Curl curl(::curl_easy_init());
  const std::unique_ptr<curl_slist, ListRelease> headers(
      ::curl_slist_append(nullptr, ("Content-Type: " + request.content_type).c_str()));
  if (!curl || !headers) {
    return fail(ErrorKind::unavailable, "CURL", "gimsctl has no memory left");
  }
  CURL* const handle = curl.get();
  Into answer{.bytes = {}, .most = request.most};
  char why[CURL_ERROR_SIZE] = "";
  const bool local = !request.unix_socket.empty();
  ::curl_easy_setopt(handle, CURLOPT_URL, request.url.c_str());
  ::curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, local ? "http" : "https");
  if (local) ::curl_easy_setopt(handle, CURLOPT_UNIX_SOCKET_PATH, request.unix_socket.c_str());
  if (!request.ca_file.empty()) {
    ::curl_easy_setopt(handle, CURLOPT_CAINFO, request.ca_file.c_str());
    ::curl_easy_setopt(handle, CURLOPT_CAPATH, nullptr);
  }
  // Whatever the environment says of proxies.
  ::curl_easy_setopt(handle, CURLOPT_NOPROXY, "*");
  ::curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  ::curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT, connect_seconds);
  ::curl_easy_setopt(handle, CURLOPT_TIMEOUT, static_cast<long>(request.patience.count()));
  ::curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, why);
  ::curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, take);
  ::curl_easy_setopt(handle, CURLOPT_WRITEDATA, &answer);
  ::curl_easy_setopt(handle, CURLOPT_CUSTOMREQUEST, request.verb.c_str());
  if (request.verb != "GET" && request.verb != "DELETE") {
    ::curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers.get());
    ::curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE, static_cast<long>(request.body.size()));
    ::curl_easy_setopt(handle, CURLOPT_POSTFIELDS,
                       request.body.data() == nullptr ? "" : request.body.data());
  }
  const CURLcode done = ::curl_easy_perform(handle);
  if (done != CURLE_OK) {
    long os_error = 0;
    ::curl_easy_getinfo(handle, CURLINFO_OS_ERRNO, &os_error);
    const char* const name = done == CURLE_COULDNT_CONNECT && os_error != 0
                                 ? ::strerrorname_np(static_cast<int>(os_error))
                                 : nullptr;
    return fail(ErrorKind::unavailable, name == nullptr ? "CURL" : name,
                why[0] == '\0' ? ::curl_easy_strerror(done) : why);
  }
  long status = 0;
  ::curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
  return Transferred{.status = static_cast<int>(status), .body = std::move(answer.bytes)};
}

}  // namespace gims::ctl
