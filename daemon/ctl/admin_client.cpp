#include "ctl/admin_client.hpp"

#include "ctl/transfer.hpp"

namespace gims::ctl {
namespace {

std::unexpected<Error> not_reached(const std::string& socket, const Error& why) {
  std::string text = "gimsd cannot be reached at " + socket + ": ";
  if (why.code == "ENOENT" || why.code == "ECONNREFUSED") {
    text +=
        "nobody listens there. Is gimsd running (systemctl status gimsd), and is --socket what "
        "its configuration says ([admin] socket)?";
  } else if (why.code == "EACCES" || why.code == "EPERM") {
    text += "this user may not open the socket. Run gimsctl as root.";
  } else {
    text += why.text + ". See journalctl -u gimsd.";
  }
  return fail(ErrorKind::unavailable, "GIMSD_GONE", text);
}

const char* name_of(Verb verb) noexcept {
  switch (verb) {
    case Verb::get:
      return "GET";
    case Verb::post:
      return "POST";
    case Verb::put:
      return "PUT";
    case Verb::patch:
      return "PATCH";
    case Verb::del:
      return "DELETE";
  }
  return "GET";
}

}  // namespace

Result<Reply> ask(const std::string& socket, const Question& question) {
  // The host's name means nothing on a Unix socket; HTTP wants one.
  auto answer = transfer({.verb = name_of(question.verb),
                          .url = "http://gimsd/_gims/admin/v1" + question.path,
                          .unix_socket = socket,
                          .body = question.body.reveal(),
                          .content_type = question.content_type,
                          .patience = question.patience});
  if (!answer) return not_reached(socket, answer.error());
  auto json = json::Document::parse(answer->body, {.max_bytes = answer->body.size()});
  if (!json || !json->root().is_object()) {
    const auto other = fail(ErrorKind::unavailable, "GIMSD_GONE", "what answers is not gimsd");
    return not_reached(socket, other.error());
  }
  return Reply{.status = answer->status, .json = std::move(*json)};
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
