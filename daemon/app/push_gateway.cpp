#include "app/push_gateway.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "sys/atomic_file.hpp"

namespace gims::app {
namespace {

constexpr std::chrono::seconds patience{10};
constexpr std::size_t longest_token = 256;

}  // namespace

LocalPushGateway::LocalPushGateway(PushSettings settings, sys::EventFd cancelled)
    : settings_(std::move(settings)),
      cancelled_(std::move(cancelled)),
      client_(settings_.socket, patience, cancelled_.fd()) {
  constexpr std::string_view scheme = "https://";
  const std::string_view rest = std::string_view(settings_.url).substr(scheme.size());
  const std::size_t slash = rest.find('/');
  host_ = rest.substr(0, slash);
  target_ = rest.substr(slash);
}

Result<std::unique_ptr<LocalPushGateway>> LocalPushGateway::create(PushSettings settings) {
  GIMS_TRY_ASSIGN(sys::EventFd cancelled, sys::EventFd::create());
  return std::unique_ptr<LocalPushGateway>(
      new LocalPushGateway(std::move(settings), std::move(cancelled)));
}

// A line of what RFC 6750 calls b64token.
Result<> LocalPushGateway::read_token() {
  GIMS_TRY_ASSIGN(const SecretBytes file,
                  sys::read_secret_file(settings_.token_file, longest_token));
  auto token = file.bytes();
  if (!token.empty() && token.back() == '\n') token = token.first(token.size() - 1);
  const auto plain = [](std::uint8_t c) { return c > 0x20 && c < 0x7f; };
  if (token.empty() || !std::ranges::all_of(token, plain)) {
    return fail(ErrorKind::unavailable, "PUSH_TOKEN",
                settings_.token_file + " does not hold a token.");
  }
  GIMS_TRY_ASSIGN(token_, SecretBytes::copy_of(token));
  return {};
}

Result<http::Answer> LocalPushGateway::notify(std::string_view body) {
  if (!settings_.token_file.empty() && !client_.connected()) GIMS_TRY(read_token());
  auto answer = client_.post(host_, target_, token_, body);
  if (answer && answer->status == 401) client_.disconnect();
  return answer;
}

}  // namespace gims::app
