#include "api/client/media.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <memory>
#include <utility>

#include "api/client/media_headers.hpp"
#include "api/client/room_calls.hpp"
#include "api/error.hpp"
#include "api/finish.hpp"
#include "json/fields.hpp"
#include "json/writer.hpp"
#include "service/errors.hpp"

namespace gims::api::client {
namespace {

constexpr std::size_t longest_file_name = 1024;

// As the spec recommends: whatever a browser is made to open runs nothing and reaches nothing.
constexpr std::string_view content_security_policy =
    "sandbox; default-src 'none'; script-src 'none'; plugin-types application/pdf; "
    "style-src 'unsafe-inline'; object-src 'self';";
// Content never changes, and is no one else's to keep.
constexpr std::string_view cache_control = "private, max-age=31536000, immutable";

// Uploads
// ------------------------------------------------------------------------------------------

class MediaBody final : public Upload {
 public:
  // `promised`: the id is the client's, and the answer is {}.
  MediaBody(service::Media& media, std::unique_ptr<service::MediaUpload> upload, bool promised)
      : media_(media), upload_(std::move(upload)), promised_(promised) {}

  [[nodiscard]] Result<> write(std::span<const char> piece) override {
    return upload_->write(piece);
  }
  void finish(Call call) override {
    media_.finish(std::move(upload_), [promised = promised_, call = std::move(call)](
                                          const Result<std::string>& uri) mutable {
      if (!uri) return std::move(call).error(uri.error());
      json::Writer out;
      out.begin_object();
      if (!promised) out.member("content_uri", *uri);
      out.end_object();
      std::move(call).reply(out.take());
    });
  }

 private:
  service::Media& media_;
  std::unique_ptr<service::MediaUpload> upload_;
  bool promised_;
};

Result<service::NewMedia> described(const http::Request& request, const Caller& caller) {
  service::NewMedia about{.owner = caller.user_id,
                          .content_type = stored_content_type(request.header("Content-Type")),
                          .file_name = std::nullopt};
  if (const auto name = request.query("filename"); name && !name->empty()) {
    if (name->size() > longest_file_name) {
      return service::invalid_param("The argument filename has at most 1,024 bytes.");
    }
    about.file_name = *name;
  }
  // http/ has refused a length of another form, and one above the route's limit.
  const std::string_view length = request.header("Content-Length").value_or("");
  std::from_chars(length.data(), length.data() + length.size(), about.announced);
  return about;
}

UploadMaker taker(service::Media& media, bool promised) {
  return [&media, promised](const http::Request& request,
                            const Caller& caller) -> Result<std::unique_ptr<Upload>> {
    GIMS_TRY_ASSIGN(auto about, described(request, caller));
    GIMS_TRY_ASSIGN(auto upload,
                    promised ? media.begin_promised(std::move(about), request.param("serverName"),
                                                    request.param("mediaId"))
                             : media.begin(std::move(about)));
    return std::make_unique<MediaBody>(media, std::move(upload), promised);
  };
}

void create(service::Media& media, Call call) {
  std::string owner = call.caller().user_id;
  media.promise(std::move(owner), answer<service::MediaPromise>(
                                      std::move(call), [](const service::MediaPromise& promise) {
                                        json::Writer out;
                                        out.begin_object()
                                            .member("content_uri", promise.uri)
                                            .member("unused_expires_at", promise.expires_ts)
                                            .end_object();
                                        return out.take();
                                      }));
}

// Downloads
// ----------------------------------------------------------------------------------------

using Send = void (*)(service::Media&, Call, const service::MediaInfo&);

// Sends the file, now or when it has been uploaded.
void find(service::Media& media, Call call, Send send) {
  const auto timeout = query_number(call, "timeout_ms");
  if (!timeout) return std::move(call).error(timeout.error());
  constexpr std::int64_t longest = service::longest_media_wait.count();
  const std::chrono::milliseconds wait(
      std::min(timeout->value_or(service::default_media_wait.count()), longest));
  const service::Media::Wanted wanted{.user_id = call.caller().user_id,
                                      .server_name = param_of(call, "serverName"),
                                      .media_id = param_of(call, "mediaId")};
  const auto info = media.find(wanted.server_name, wanted.media_id);
  if (info) return send(media, std::move(call), *info);
  if (info.error().kind != ErrorKind::not_yet_uploaded ||
      wait <= std::chrono::milliseconds::zero()) {
    return std::move(call).error(info.error());
  }
  const auto ticket = service::MediaWaits::ticket();
  call.on_gone([&media, ticket] { media.gone(ticket); });
  media.wait(
      wanted, wait, ticket,
      [&media, send, call = std::move(call)](const Result<service::MediaInfo>& found) mutable {
        if (!found) return std::move(call).error(found.error());
        send(media, std::move(call), *found);
      });
}

// An If-Range field holds a validator, and we send none: it fits nothing (RFC 9110,
// section 13.1.5).
RangeChoice range_of(const http::Request& request, std::uint64_t size) {
  const auto fields = request.header_all("Range");
  if (fields.size() != 1 || request.header("If-Range")) return {};
  return choose_range(fields.front(), size);
}

void refuse_range(Call call, std::uint64_t size) {
  auto response =
      render_error(service::invalid_param("The file has no bytes in that range.").error());
  response.status = 416;
  response.headers.emplace_back("Content-Range", "bytes */" + std::to_string(size));
  std::move(call).send(std::move(response));
}

void send_file(service::Media& media, Call call, const service::MediaInfo& info,
               std::string disposition) {
  const RangeChoice choice = range_of(call.request(), info.size);
  if (choice.kind == RangeKind::unsatisfiable) return refuse_range(std::move(call), info.size);
  const bool part = choice.kind == RangeKind::part;
  const ByteRange range = part ? choice.range : ByteRange{.first = 0, .length = info.size};
  auto body = media.read(info, range.first, range.length);
  if (!body) return std::move(call).error(body.error());

  http::Response response;
  response.status = part ? 206 : 200;
  response.headers = {{"Content-Type", info.content_type},
                      {"Content-Disposition", std::move(disposition)},
                      {"Content-Security-Policy", std::string(content_security_policy)},
                      {"Cross-Origin-Resource-Policy", "cross-origin"},
                      {"Cache-Control", std::string(cache_control)},
                      {"Accept-Ranges", "bytes"}};
  if (part) {
    response.headers.emplace_back("Content-Range",
                                  "bytes " + std::to_string(range.first) + "-" +
                                      std::to_string(range.first + range.length - 1) + "/" +
                                      std::to_string(info.size));
  }
  response.body = std::move(*body);
  std::move(call).send(std::move(response));
}

void send_download(service::Media& media, Call call, const service::MediaInfo& info,
                   std::optional<std::string_view> name) {
  std::string disposition = content_disposition(may_be_inline(essence_of(info.content_type)), name);
  send_file(media, std::move(call), info, std::move(disposition));
}

void download(service::Media& media, Call call) {
  find(media, std::move(call), [](service::Media& of, Call to, const service::MediaInfo& info) {
    send_download(of, std::move(to), info, info.file_name);
  });
}

void download_named(service::Media& media, Call call) {
  find(media, std::move(call), [](service::Media& of, Call to, const service::MediaInfo& info) {
    const std::string name = param_of(to, "fileName");
    send_download(of, std::move(to), info, name);
  });
}

Result<> check_thumbnail_query(const Call& call) {
  for (const std::string_view name : {"width", "height"}) {
    GIMS_TRY_ASSIGN(const auto length, query_number(call, name));
    if (!length) return std::unexpected(json::missing(name));
  }
  const std::string_view method = call.query("method").value_or("scale");
  if (method != "scale" && method != "crop") {
    return service::invalid_param("The argument method must be \"scale\" or \"crop\".");
  }
  return {};
}

void send_thumbnail(service::Media& media, Call call, const service::MediaInfo& info) {
  if (!may_be_thumbnail(essence_of(info.content_type))) {
    return std::move(call).error(
        fail(ErrorKind::bad_input, "M_UNKNOWN", "There is no thumbnail of this kind of file.")
            .error());
  }
  send_file(media, std::move(call), info, content_disposition(true, info.file_name));
}

// The original, which the spec allows ("may be larger than the size specified"). Nearly all media
// are encrypted by the clients, which make the thumbnails too: what is left are avatars, small
// already. It is not worth a decoder of hostile images in the process that holds the keys. For the
// same reason nothing looks whether a picture moves: `animated` does not change the answer.
void thumbnail(service::Media& media, Call call) {
  if (const auto good = check_thumbnail_query(call); !good) {
    return std::move(call).error(good.error());
  }
  find(media, std::move(call), &send_thumbnail);
}

}  // namespace

Routes media_routes(service::Media& media, const service::Policy& policy) {
  using http::Method;
  Routes routes;
  const auto add = [&routes](std::string_view path, Auth auth, http::Run run,
                             std::function<void(Call)> handler) {
    routes.push_back({.method = Method::get,
                      .door = http::Door::client,
                      .path = path,
                      .auth = auth,
                      .rate = RateClass::read,
                      .body = BodyKind::none,
                      .body_limit = 0,
                      .run = run,
                      .handler = std::move(handler)});
  };
  const auto add_upload = [&](Method method, std::string_view path, bool promised) {
    routes.push_back({.method = method,
                      .door = http::Door::client,
                      .path = path,
                      .auth = Auth::token,
                      .rate = RateClass::upload,
                      .body = BodyKind::stream,
                      .body_limit = policy.upload_limit,
                      .run = http::Run::on_loop,
                      .handler = nullptr,
                      .upload = taker(media, promised)});
  };
  add_upload(Method::post, "/_matrix/media/v3/upload", false);
  add_upload(Method::put, "/_matrix/media/v3/upload/{serverName}/{mediaId}", true);
  routes.push_back(write_route(Method::post, "/_matrix/media/v1/create",
                               BodyKind::json_object_or_empty, small_body, http::Run::on_loop,
                               [&media](Call call) { create(media, std::move(call)); }));

  // The pool opens the file and its first chunk.
  constexpr auto on_pool = http::Run::on_pool;
  add("/_matrix/client/v1/media/download/{serverName}/{mediaId}", Auth::token, on_pool,
      [&media](Call call) { download(media, std::move(call)); });
  add("/_matrix/client/v1/media/download/{serverName}/{mediaId}/{fileName}", Auth::token, on_pool,
      [&media](Call call) { download_named(media, std::move(call)); });
  add("/_matrix/client/v1/media/thumbnail/{serverName}/{mediaId}", Auth::token, on_pool,
      [&media](Call call) { thumbnail(media, std::move(call)); });

  const auto config = [limit = policy.upload_limit](Call call) {
    std::move(call).reply("{\"m.upload.size\":" + std::to_string(limit) + "}");
  };
  add("/_matrix/client/v1/media/config", Auth::token, http::Run::on_loop, config);
  add("/_matrix/media/v3/config", Auth::token, http::Run::on_loop, config);

  // Frozen from the first day (spec 1.11): there never was media without authentication here.
  const auto frozen = [](Call call) {
    std::move(call).error(
        service::not_found("Media need an access token: use /_matrix/client/v1/media.").error());
  };
  for (const std::string_view path :
       {"/_matrix/media/v3/download/{serverName}/{mediaId}",
        "/_matrix/media/v3/download/{serverName}/{mediaId}/{fileName}",
        "/_matrix/media/v3/thumbnail/{serverName}/{mediaId}"}) {
    add(path, Auth::none, http::Run::on_loop, frozen);
  }
  return routes;
}

}  // namespace gims::api::client
