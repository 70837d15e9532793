#include "app/pages.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <utility>

namespace gims::app {
namespace {

constexpr std::string_view index_path = "/index.html";
// Vite puts a hash of the content into these names.
constexpr std::string_view hashed = "/assets/";

// The page runs its own script and style and asks its own server; it is framed by nobody, sends no
// form and opens no window that could reach back. Security keys are the one device that it may use.
constexpr std::array<std::pair<std::string_view, std::string_view>, 8> headers{{
    {"Content-Security-Policy",
     "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
     "font-src "
     "'self'; connect-src 'self'; manifest-src 'self'; form-action 'none'; base-uri 'none'; "
     "frame-ancestors 'none'"},
    {"Cross-Origin-Opener-Policy", "same-origin"},
    {"Cross-Origin-Embedder-Policy", "require-corp"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
    {"Referrer-Policy", "no-referrer"},
    {"X-Content-Type-Options", "nosniff"},
    {"Permissions-Policy",
     "accelerometer=(), bluetooth=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), "
     "hid=(), microphone=(), midi=(), payment=(), serial=(), usb=(), "
     "publickey-credentials-create=(self), publickey-credentials-get=(self)"},
    {"Strict-Transport-Security", "max-age=63072000"},
}};

class InProgram final : public http::BodySource {
 public:
  explicit InProgram(std::string_view bytes) noexcept : bytes_(bytes) {}
  [[nodiscard]] std::uint64_t size() const noexcept override { return bytes_.size(); }
  [[nodiscard]] Result<std::size_t> read(std::uint64_t offset, std::span<char> into) override {
    if (offset >= bytes_.size()) return std::size_t{0};
    const std::string_view part = bytes_.substr(offset, into.size());
    std::ranges::copy(part, into.begin());
    return part.size();
  }

 private:
  std::string_view bytes_;
};

// Whether the client takes the encoding (RFC 9110, section 12.5.3): named, and not with a weight of
// zero.
bool takes(const http::Request& request, std::string_view encoding) {
  for (std::string_view header : request.header_all("Accept-Encoding")) {
    while (!header.empty()) {
      const auto end = header.find(',');
      std::string_view one = header.substr(0, end);
      header.remove_prefix(end == std::string_view::npos ? header.size() : end + 1);
      while (one.starts_with(' ')) one.remove_prefix(1);
      if (one == encoding) return true;
      if (one.starts_with(encoding) && one.substr(encoding.size()).starts_with(';')) {
        const std::string_view weight = one.substr(encoding.size() + 1);
        return weight.find_first_of("123456789") != std::string_view::npos;
      }
    }
  }
  return false;
}

http::Response with_headers(int status) {
  http::Response response;
  response.status = status;
  for (const auto& [name, value] : headers) response.headers.emplace_back(name, value);
  return response;
}

http::Response not_built() {
  http::Response response = with_headers(503);
  response.headers.emplace_back("Content-Type", "text/plain; charset=utf-8");
  response.headers.emplace_back("Cache-Control", "no-store");
  response.body = std::string(
      "The web console was not built into this gimsd: build it with `make`, or use gimsctl.\n");
  return response;
}

http::Response page(const http::Request& request, const ConsoleFile& file) {
  const bool index = file.path == index_path;
  const bool known = !index && request.header("If-None-Match") == file.etag;
  http::Response response = with_headers(known ? 304 : 200);
  response.headers.emplace_back("Cache-Control", index ? "no-store"
                                                 : file.path.starts_with(hashed)
                                                     ? "public, max-age=31536000, immutable"
                                                     : "no-cache");
  response.headers.emplace_back("Vary", "Accept-Encoding");
  if (!index) response.headers.emplace_back("ETag", file.etag);
  if (known) return response;
  response.headers.emplace_back("Content-Type", file.type);
  std::string_view bytes = file.plain;
  if (!file.brotli.empty() && takes(request, "br")) {
    response.headers.emplace_back("Content-Encoding", "br");
    bytes = file.brotli;
  } else if (!file.gzip.empty() && takes(request, "gzip")) {
    response.headers.emplace_back("Content-Encoding", "gzip");
    bytes = file.gzip;
  }
  response.body = std::make_unique<InProgram>(bytes);
  return response;
}

}  // namespace

const ConsoleFile* Pages::file_of(std::string_view path) const {
  const auto found = std::ranges::lower_bound(files_, path, {}, &ConsoleFile::path);
  return found == files_.end() || found->path != path ? nullptr : &*found;
}

std::optional<http::Response> Pages::answer(const http::Request& request) const {
  if (request.method != http::Method::get && request.method != http::Method::head) return {};
  const std::string_view path = request.path;
  if (path.starts_with("/_") || path.starts_with("/.")) return {};
  const bool by_name = path.substr(path.rfind('/') + 1).contains('.');
  if (files_.empty()) return by_name ? std::nullopt : std::optional(not_built());
  const ConsoleFile* const file = file_of(by_name ? path : index_path);
  if (file == nullptr) return {};
  return page(request, *file);
}

}  // namespace gims::app
