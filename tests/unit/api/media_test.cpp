// Media behind the gate and a real server: what a client sends, and what it gets.
#include "api/client/media.hpp"

#include <gtest/gtest.h>

#include <array>
#include <fstream>
#include <string>

#include "api/gate.hpp"
#include "json/value.hpp"
#include "support/store_under_test.hpp"
#include "unit/http/client.hpp"
#include "unit/http/site.hpp"

namespace gims::api::client {
namespace {

using http::test::Answer;

// A token is its user's name here.
class NameAuthenticator final : public Authenticator {
 public:
  [[nodiscard]] Result<Caller> authenticate(std::string_view token, Auth,
                                            const http::Request&) override {
    return Caller{.user_id = "@" + std::string(token) + ":gims.internal", .device_id = "PHONE"};
  }
};

class MediaApi : public ::testing::Test {
 protected:
  MediaApi()
      : policy(make_policy()),
        media(make_media()),
        gate({.rate_limits = false, .admin_uids = {}}, authenticator, store.clock()),
        server(gate.routes(media_routes(*media, policy))) {}
  ~MediaApi() override {
    server.destroy();
    media->stop();
    store.close();
  }

  static service::Policy make_policy() {
    service::Policy policy;
    policy.server_name = "gims.internal";
    policy.upload_limit = 300'000;
    policy.media_reserve = 0;
    return policy;
  }
  std::unique_ptr<service::Media> make_media() {
    const std::array<std::uint8_t, 32> key{7};
    return std::move(*service::Media::open(
        {.folder = store.folder() / "media", .key = *SecretBytes::copy_of(key)}, *store, policy,
        store.clock()));
  }

  static std::string head(std::string_view method, std::string_view path,
                          std::string_view headers) {
    return std::string(method) + " " + std::string(path) +
           " HTTP/1.1\r\nHost: gims.internal\r\nAuthorization: Bearer desk.officer\r\n" +
           std::string(headers);
  }
  std::optional<Answer> raw(const std::string& request) {
    auto client = server.connect();
    return client.ask(request);
  }
  Answer get(std::string_view path, std::string_view headers = "") {
    auto answer = raw(head("GET", path, headers) + "\r\n");
    EXPECT_TRUE(answer) << path;
    return answer.value_or(Answer{});
  }
  Answer send(std::string_view method, std::string_view path, std::string_view body,
              std::string_view headers = "") {
    auto answer =
        raw(head(method, path, headers) + "Content-Length: " + std::to_string(body.size()) +
            "\r\n\r\n" + std::string(body));
    EXPECT_TRUE(answer) << path;
    return answer.value_or(Answer{});
  }
  static std::string member(const Answer& answer, std::string_view name) {
    const auto parsed = json::Document::parse(answer.body);
    return parsed ? std::string(parsed->root().get(name).string_or("")) : answer.body;
  }
  // The id of an upload.
  std::string upload(std::string_view body, std::string_view type = "image/png",
                     std::string_view query = "") {
    const auto answer = send("POST", "/_matrix/media/v3/upload" + std::string(query), body,
                             "Content-Type: " + std::string(type) + "\r\n");
    EXPECT_EQ(answer.status, 200) << answer.body;
    const std::string uri = member(answer, "content_uri");
    EXPECT_TRUE(uri.starts_with("mxc://gims.internal/")) << uri;
    return uri.substr(uri.rfind('/') + 1);
  }
  static std::string download_path(std::string_view id) {
    return "/_matrix/client/v1/media/download/gims.internal/" + std::string(id);
  }
  static std::string thumbnail_path(std::string_view id) {
    return "/_matrix/client/v1/media/thumbnail/gims.internal/" + std::string(id);
  }
  [[nodiscard]] std::filesystem::path folder() const { return store.folder() / "media"; }

  test::StoreUnderTest store;
  service::Policy policy;
  std::unique_ptr<service::Media> media;
  NameAuthenticator authenticator;
  Gate gate;
  http::test::Site server;
};

TEST_F(MediaApi, UploadAndDownload) {
  std::string body;
  while (body.size() < 200'000) body += std::to_string(body.size());
  const std::string id = upload(body, "image/png", "?filename=plan.png");
  const auto answer = get(download_path(id));
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, body);
  EXPECT_EQ(answer.headers.at("content-type"), "image/png");
  EXPECT_EQ(answer.headers.at("content-disposition"), "inline; filename=\"plan.png\"");
  EXPECT_TRUE(answer.headers.at("content-security-policy").starts_with("sandbox; default-src"));
  EXPECT_EQ(answer.headers.at("cross-origin-resource-policy"), "cross-origin");
  EXPECT_EQ(answer.headers.at("x-content-type-options"), "nosniff");
  EXPECT_EQ(answer.headers.at("cache-control"), "private, max-age=31536000, immutable");
  EXPECT_EQ(get(download_path(id) + "/other%20name.png").headers.at("content-disposition"),
            "inline; filename=\"other name.png\"");
}

TEST_F(MediaApi, WhatABrowserCouldRunIsAnAttachment) {
  const auto page = get(download_path(upload("<script>", "text/html")));
  EXPECT_EQ(page.headers.at("content-disposition"), "attachment");
  EXPECT_EQ(page.headers.at("content-type"), "text/html");
}

TEST_F(MediaApi, ALengthlessUploadIsTakenAndLimited) {
  const std::string start =
      head("POST", "/_matrix/media/v3/upload", "Transfer-Encoding: chunked\r\n\r\n");
  const auto taken = raw(start + "5\r\nabcde\r\n0\r\n\r\n");
  ASSERT_TRUE(taken);
  EXPECT_EQ(taken->status, 200);
  const std::string uri = member(*taken, "content_uri");
  EXPECT_EQ(get(download_path(uri.substr(uri.rfind('/') + 1))).body, "abcde");

  const auto refused = raw(start + "493E1\r\n" + std::string(300'001, 'x') + "\r\n0\r\n\r\n");
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->status, 413);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder()), {}), 1);
}

TEST_F(MediaApi, TooLargeByTheAnnouncedLength) {
  const auto answer = raw(head("POST", "/_matrix/media/v3/upload",
                               "Content-Length: 300001\r\nExpect: 100-continue\r\n\r\n"));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 413);
}

TEST_F(MediaApi, Ranges) {
  std::string body;
  while (body.size() < 100'000) body += std::to_string(body.size());
  const std::string path = download_path(upload(body));
  const std::string size = std::to_string(body.size());
  const auto part = get(path, "Range: bytes=65530-65540\r\n");
  EXPECT_EQ(part.status, 206);
  EXPECT_EQ(part.body, body.substr(65'530, 11));
  EXPECT_EQ(part.headers.at("content-range"), "bytes 65530-65540/" + size);
  EXPECT_EQ(part.headers.at("content-length"), "11");
  const auto beyond = get(path, "Range: bytes=" + size + "-\r\n");
  EXPECT_EQ(beyond.status, 416);
  EXPECT_EQ(beyond.headers.at("content-range"), "bytes */" + size);
  EXPECT_EQ(get(path, "Range: bytes=0-1,4-5\r\n").body, body);
  EXPECT_EQ(get(path, "Range: bytes=0-1\r\nIf-Range: \"x\"\r\n").status, 200);
}

TEST_F(MediaApi, ADamagedFileIsNotSent) {
  std::string body(150'000, 'a');
  const std::string id = upload(body);
  const auto damage = [&](std::streamoff at) {
    std::fstream file(folder() / id, std::ios::binary | std::ios::in | std::ios::out);
    file.seekg(at);
    const int byte = file.get();
    file.seekp(at);
    file.put(static_cast<char>(byte ^ 1));
  };
  damage(static_cast<std::streamoff>(crypto::stored_chunk_offset(2)) + 3);
  auto client = server.connect();
  client.send(head("GET", download_path(id), "\r\n"));
  EXPECT_FALSE(client.receive()) << "the connection ends before the damaged chunk";
  damage(static_cast<std::streamoff>(crypto::stored_chunk_offset(0)) + 3);
  EXPECT_EQ(get(download_path(id)).status, 500);
}

TEST_F(MediaApi, AThumbnailIsTheOriginal) {
  const std::string id = upload("png", "image/png");
  const std::string path = thumbnail_path(id);
  const auto answer = get(path + "?width=32&height=32&method=crop");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "png");
  EXPECT_EQ(answer.headers.at("content-disposition"), "inline");
  EXPECT_EQ(member(get(path + "?width=32"), "errcode"), "M_MISSING_PARAM");
  EXPECT_EQ(get(path + "?width=32&height=-1").status, 400);
  EXPECT_EQ(get(path + "?width=32&height=1.5").status, 400);
  EXPECT_EQ(get(path + "?width=32&height=32&method=squeeze").status, 400);
  const std::string other = upload("?", "application/octet-stream");
  const auto refused = get(thumbnail_path(other) + "?width=32&height=32");
  EXPECT_EQ(refused.status, 400);
  EXPECT_EQ(member(refused, "errcode"), "M_UNKNOWN");
}

TEST_F(MediaApi, AnUploadLaterThanItsAddress) {
  const auto created = send("POST", "/_matrix/media/v1/create", "");
  ASSERT_EQ(created.status, 200);
  const std::string uri = member(created, "content_uri");
  const std::string id = uri.substr(uri.rfind('/') + 1);
  const auto early = get(download_path(id) + "?timeout_ms=0");
  EXPECT_EQ(early.status, 504);
  EXPECT_EQ(member(early, "errcode"), "M_NOT_YET_UPLOADED");
  const std::string path = "/_matrix/media/v3/upload/gims.internal/" + id;
  const auto put = send("PUT", path, "later", "Content-Type: text/plain\r\n");
  EXPECT_EQ(put.status, 200);
  EXPECT_EQ(put.body, "{}");
  EXPECT_EQ(get(download_path(id)).body, "later");
  const auto again = send("PUT", path, "other");
  EXPECT_EQ(again.status, 409);
  EXPECT_EQ(member(again, "errcode"), "M_CANNOT_OVERWRITE_MEDIA");
  EXPECT_EQ(send("PUT", "/_matrix/media/v3/upload/gims.internal/unknown", "x").status, 404);
}

// Spec: timeout_ms of a download.
TEST_F(MediaApi, ADownloadWaitsForTheUpload) {
  const std::string uri = member(send("POST", "/_matrix/media/v1/create", ""), "content_uri");
  const std::string id = uri.substr(uri.rfind('/') + 1);
  auto waiting = server.connect();
  waiting.send(head("GET", download_path(id) + "?timeout_ms=60000", "") + "\r\n");
  auto thumbnail = server.connect();
  thumbnail.send(head("GET", thumbnail_path(id) + "?width=32&height=32&timeout_ms=60000", "") +
                 "\r\n");
  auto by_default = server.connect();
  by_default.send(head("GET", download_path(id) + "/named.png", "") + "\r\n");
  EXPECT_EQ(get(download_path(id) + "?timeout_ms=0").status, 504) << "beside them";
  EXPECT_EQ(get(download_path(id) + "?timeout_ms=x").status, 400);
  ASSERT_EQ(send("PUT", "/_matrix/media/v3/upload/gims.internal/" + id, "later",
                 "Content-Type: image/png\r\n")
                .status,
            200);
  for (auto* one : {&waiting, &thumbnail, &by_default}) {
    const auto answer = one->receive();
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, 200);
    EXPECT_EQ(answer->body, "later");
  }
}

TEST_F(MediaApi, NothingIsFoundElsewhere) {
  const std::string id = upload("png");
  const auto unknown = get(download_path("unknown"));
  EXPECT_EQ(unknown.status, 404);
  EXPECT_EQ(member(unknown, "errcode"), "M_NOT_FOUND");
  EXPECT_EQ(get("/_matrix/client/v1/media/download/other.internal/" + id).status, 404);
  const auto old = raw("GET /_matrix/media/v3/download/gims.internal/" + id +
                       " HTTP/1.1\r\nHost: gims.internal\r\n\r\n");
  ASSERT_TRUE(old);
  EXPECT_EQ(old->status, 404);
  EXPECT_EQ(member(*old, "errcode"), "M_NOT_FOUND");
  const auto without = raw("GET " + download_path(id) + " HTTP/1.1\r\nHost: gims.internal\r\n\r\n");
  ASSERT_TRUE(without);
  EXPECT_EQ(without->status, 401);
}

TEST_F(MediaApi, TheLimitIsTold) {
  for (const auto* path : {"/_matrix/client/v1/media/config", "/_matrix/media/v3/config"}) {
    EXPECT_EQ(get(path).body, R"({"m.upload.size":300000})");
  }
}

}  // namespace
}  // namespace gims::api::client
