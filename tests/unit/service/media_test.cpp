#include "service/media.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <future>
#include <set>
#include <string>
#include <thread>

#include "support/full_disk.hpp"
#include "support/store_under_test.hpp"

namespace gims::service {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view owner = "@desk.officer:gims.internal";
constexpr std::string_view marker = "MINUTES OF THE CABINET";

// Long enough for several chunks, each byte told by its place.
std::string content_of(std::size_t size) {
  std::string text(marker.substr(0, std::min(size, marker.size())));
  while (text.size() < size) text += static_cast<char>(text.size() * 31 / 7);
  return text;
}

std::string bytes_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

class MediaTest : public ::testing::Test {
 protected:
  MediaTest() {
    policy.server_name = "gims.internal";
    open();
  }
  ~MediaTest() override {
    media->stop();
    store.close();
  }

  [[nodiscard]] fs::path folder() const { return store.folder() / "media"; }

  void open(std::uint64_t quota = Policy{}.media_quota, std::uint64_t reserve = 0) {
    media.reset();
    policy.media_quota = quota;
    policy.media_reserve = reserve;
    const std::array<std::uint8_t, 32> key{7};
    auto opened = Media::open({.folder = folder(), .key = *SecretBytes::copy_of(key)}, *store,
                              policy, store.clock());
    ASSERT_TRUE(opened) << opened.error().detail;
    media = std::move(*opened);
  }

  NewMedia about(std::uint64_t announced = 0) {
    return {.owner = std::string(owner),
            .content_type = "image/png",
            .file_name = "note.png",
            .announced = announced};
  }

  Result<std::string> finish(std::unique_ptr<MediaUpload> upload) {
    std::promise<Result<std::string>> promise;
    auto outcome = promise.get_future();
    media->finish(std::move(upload),
                  [&promise](Result<std::string> uri) { promise.set_value(std::move(uri)); });
    return outcome.get();
  }
  // In pieces as a connection gives them.
  static Result<> write(MediaUpload& upload, std::string_view content) {
    while (!content.empty()) {
      const auto piece = content.substr(0, 10'007);
      GIMS_TRY(upload.write(piece));
      content.remove_prefix(piece.size());
    }
    return {};
  }
  Result<std::string> upload(std::string_view content) {
    GIMS_TRY_ASSIGN(auto upload, media->begin(about()));
    GIMS_TRY(write(*upload, content));
    return finish(std::move(upload));
  }
  Result<MediaPromise> promise() {
    std::promise<Result<MediaPromise>> promised;
    auto outcome = promised.get_future();
    media->promise(std::string(owner),
                   [&promised](Result<MediaPromise> made) { promised.set_value(std::move(made)); });
    return outcome.get();
  }
  std::size_t sweep() {
    std::promise<Result<std::size_t>> swept;
    auto outcome = swept.get_future();
    media->sweep([&swept](Result<std::size_t> removed) { swept.set_value(std::move(removed)); });
    const auto removed = outcome.get();
    EXPECT_TRUE(removed) << removed.error().detail;
    return removed.value_or(SIZE_MAX);
  }
  static std::string id_of(std::string_view uri) {
    return std::string(uri.substr(uri.rfind('/') + 1));
  }
  Result<std::string> read(std::string_view id, std::uint64_t first, std::uint64_t length) {
    GIMS_TRY_ASSIGN(const auto info, media->find("gims.internal", id));
    GIMS_TRY_ASSIGN(const auto source, media->read(info, first, length));
    std::string text;
    std::array<char, 20'011> block{};
    while (text.size() < source->size()) {
      GIMS_TRY_ASSIGN(const std::size_t got, source->read(text.size(), block));
      text.append(block.data(), got);
    }
    return text;
  }
  [[nodiscard]] std::set<std::string> files() const {
    std::set<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder())) {
      names.insert(entry.path().filename());
    }
    return names;
  }

  test::StoreUnderTest store;
  Policy policy;
  std::unique_ptr<Media> media;
};

class MediaSizes : public MediaTest, public ::testing::WithParamInterface<std::size_t> {};

TEST_P(MediaSizes, WhatWasUploadedIsReadBack) {
  const std::string content = content_of(GetParam());
  const auto uri = upload(content);
  ASSERT_TRUE(uri) << uri.error().detail;
  EXPECT_TRUE(uri->starts_with("mxc://gims.internal/"));
  const auto info = media->find("gims.internal", id_of(*uri));
  ASSERT_TRUE(info);
  EXPECT_EQ(info->size, content.size());
  EXPECT_EQ(info->content_type, "image/png");
  EXPECT_EQ(info->file_name, "note.png");
  EXPECT_EQ(read(id_of(*uri), 0, content.size()), content);
  EXPECT_EQ(files(), std::set{id_of(*uri)});
  EXPECT_EQ(fs::file_size(folder() / id_of(*uri)), crypto::stored_blob_bytes(content.size()));
}
INSTANTIATE_TEST_SUITE_P(AroundChunks, MediaSizes,
                         ::testing::Values(0, 1, 65'535, 65'536, 65'537, 131'072, 200'000));

TEST_F(MediaTest, APartIsReadFromTheChunksItLiesIn) {
  const std::string content = content_of(200'000);
  const std::string id = id_of(*upload(content));
  for (const auto& [first, length] : {std::pair{0U, 1U},
                                      {65'530U, 12U},
                                      {65'536U, 65'536U},
                                      {70'000U, 100'000U},
                                      {199'999U, 1U}}) {
    EXPECT_EQ(read(id, first, length), content.substr(first, length)) << first;
  }
}

TEST_F(MediaTest, NoFileEverHasPlainBytes) {
  const std::string content = content_of(150'000);
  auto begun = media->begin(about());
  ASSERT_TRUE(begun);
  ASSERT_TRUE(write(**begun, content));
  ASSERT_EQ(files().size(), 1U);
  const std::string unfinished = bytes_of(folder() / *files().begin());
  EXPECT_GT(unfinished.size(), 65'536U);
  EXPECT_FALSE(unfinished.contains(marker));
  const auto uri = finish(std::move(*begun));
  ASSERT_TRUE(uri);
  EXPECT_FALSE(bytes_of(folder() / id_of(*uri)).contains(marker));
  EXPECT_FALSE(bytes_of(folder() / id_of(*uri)).contains(content.substr(70'000, 32)));
}

TEST_F(MediaTest, AChangedBitInAnyChunkGivesNoByteOfIt) {
  const std::string content = content_of(100'000);
  const std::string id = id_of(*upload(content));
  const fs::path path = folder() / id;
  const std::string stored = bytes_of(path);
  const auto change = [&](std::size_t at) {
    std::string changed = stored;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    std::ofstream(path, std::ios::binary) << changed;
  };
  change(9);  // the salt
  EXPECT_EQ(read(id, 0, 10).error().code, "GIMS_BLOB");
  change(crypto::stored_chunk_offset(0) + 40'000);
  EXPECT_EQ(read(id, 0, 10).error().code, "GIMS_BLOB");
  EXPECT_EQ(read(id, 65'536, 10), content.substr(65'536, 10)) << "the other chunk is whole";
  change(stored.size() - 1);  // the tag of the last chunk
  EXPECT_EQ(read(id, 0, 65'536), content.substr(0, 65'536));
  const auto info = media->find("gims.internal", id);
  const auto source = media->read(*info, 0, content.size());
  ASSERT_TRUE(source);
  std::array<char, 70'000> block{};
  EXPECT_FALSE((*source)->read(65'536, block));
  std::ofstream(path, std::ios::binary) << stored.substr(0, stored.size() - 20'000);
  EXPECT_FALSE(read(id, 65'536, 10)) << "cut short";
}

TEST_F(MediaTest, AnUploadThatBreaksOffLeavesNothing) {
  {
    auto begun = media->begin(about());
    ASSERT_TRUE(begun);
    ASSERT_TRUE(write(**begun, content_of(100'000)));
    EXPECT_EQ(files().size(), 1U);
  }
  EXPECT_TRUE(files().empty());
}

TEST_F(MediaTest, ASweepRemovesWhatHasNoRowAndNothingElse) {
  const std::string id = id_of(*upload("note"));
  const std::string promised = id_of(promise()->uri);
  const std::string orphan(24, 'o');
  const std::set<std::string> ours_to_keep{id, promised};
  const std::set<std::string> not_ours{"lost+found", "short",      std::string(24, '1'),
                                       "note.part",  id + ".copy", std::string(25, 'o')};
  for (const std::string& name :
       {promised, orphan, orphan + ".abcdefghijkl.part", id + ".abcdefghijkl.part"}) {
    std::ofstream(folder() / name) << "x";
  }
  for (const std::string& name : not_ours) std::ofstream(folder() / name) << "x";
  fs::create_directory(folder() / std::string(24, 'd'));
  open();
  EXPECT_EQ(sweep(), 3U);
  std::set<std::string> left = not_ours;
  left.insert(ours_to_keep.begin(), ours_to_keep.end());
  left.insert(std::string(24, 'd'));
  EXPECT_EQ(files(), left);
  EXPECT_EQ(read(id, 0, 4), "note");
}

TEST_F(MediaTest, ASweepLooksAtEveryFileInItsSteps) {
  const std::string kept = id_of(*upload("note"));
  std::string name(24, 'a');
  for (int i = 0; i < 1000; ++i) {
    name[0] = static_cast<char>('a' + i / 100);
    name[1] = static_cast<char>('a' + i / 10 % 10);
    name[2] = static_cast<char>('a' + i % 10);
    std::ofstream(folder() / name) << "x";
  }
  EXPECT_EQ(sweep(), 1000U);
  EXPECT_EQ(files(), std::set{kept});
}

TEST_F(MediaTest, ASweepLeavesUploadsAlone) {
  auto begun = media->begin(about());
  ASSERT_TRUE(begun);
  ASSERT_TRUE(write(**begun, content_of(100'000)));
  const std::set<std::string> unfinished = files();
  ASSERT_EQ(unfinished.size(), 1U);
  EXPECT_EQ(sweep(), 0U);
  EXPECT_EQ(files(), unfinished);

  // Whole and under its own name, and its row is not committed yet.
  std::promise<Result<std::string>> promise;
  {
    const test::HeldWriter held(store->writer());
    media->finish(std::move(*begun),
                  [&promise](Result<std::string> uri) { promise.set_value(std::move(uri)); });
    while (files().begin()->ends_with(".part")) {
      std::this_thread::yield();
    }
    EXPECT_EQ(sweep(), 0U);
  }
  const auto uri = promise.get_future().get();
  ASSERT_TRUE(uri);
  EXPECT_EQ(sweep(), 0U);
  EXPECT_EQ(read(id_of(*uri), 0, 100'000), content_of(100'000));
}

TEST_F(MediaTest, AServiceThatStopsEndsItsSweep) {
  const std::string orphan(24, 'o');
  std::ofstream(folder() / orphan) << "x";
  media->stop();
  EXPECT_EQ(sweep(), 0U);
  EXPECT_EQ(files(), std::set{orphan});
}

TEST_F(MediaTest, UnknownMediaAndOtherServersAreNotFound) {
  const std::string id = id_of(*upload("note"));
  EXPECT_EQ(media->find("other.internal", id).error().code, "M_NOT_FOUND");
  EXPECT_EQ(media->find("gims.internal", "../gims.db").error().code, "M_NOT_FOUND");
}

TEST_F(MediaTest, TheQuotaHoldsForAnnouncedStreamedAndConcurrentBytes) {
  open(1000);
  EXPECT_EQ(media->begin(about(1001)).error().code, "M_FORBIDDEN");
  EXPECT_EQ(upload(content_of(1001)).error().code, "M_FORBIDDEN");
  auto first = media->begin(about());
  auto second = media->begin(about());
  ASSERT_TRUE(first && second);
  ASSERT_TRUE(write(**first, content_of(600)));
  ASSERT_TRUE(write(**second, content_of(600)));
  EXPECT_TRUE(finish(std::move(*first)));
  EXPECT_EQ(finish(std::move(*second)).error().code, "M_FORBIDDEN");
  EXPECT_EQ(files().size(), 1U);
  EXPECT_TRUE(upload(content_of(400)));
  EXPECT_EQ(media->begin(about()).error().code, "M_FORBIDDEN");
  NewMedia of_another = about();
  of_another.owner = "@joint.secretary:gims.internal";
  EXPECT_TRUE(media->begin(of_another));
}

TEST_F(MediaTest, AFullDiskIsUnavailable) {
  open(Policy{}.media_quota, UINT64_MAX / 2);
  const auto refused = media->begin(about());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::unavailable);
  EXPECT_TRUE(files().empty());
}

TEST_F(MediaTest, UploadsAtOnceAreLimited) {
  std::vector<std::unique_ptr<MediaUpload>> running;
  for (std::size_t i = 0; i < most_media_uploads_of_user; ++i) {
    auto begun = media->begin(about());
    ASSERT_TRUE(begun);
    running.push_back(std::move(*begun));
  }
  const auto refused = media->begin(about());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, "M_LIMIT_EXCEEDED");
  EXPECT_TRUE(refused.error().retry_after);
  running.pop_back();
  EXPECT_TRUE(media->begin(about()));
}

TEST_F(MediaTest, UploadsOfAllUsersAtOnceAreLimited) {
  std::vector<std::unique_ptr<MediaUpload>> running;
  NewMedia one = about();
  while (running.size() < most_media_uploads) {
    one.owner = "@user" + std::to_string(running.size() / most_media_uploads_of_user) + ":x";
    auto begun = media->begin(one);
    ASSERT_TRUE(begun) << begun.error().detail;
    running.push_back(std::move(*begun));
  }
  const auto refused = media->begin(about());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::unavailable);
  EXPECT_EQ(refused.error().code, "M_UNKNOWN");
  EXPECT_EQ(files().size(), most_media_uploads) << "nothing of the one that was refused";
  running.pop_back();
  EXPECT_TRUE(media->begin(about()));
}

TEST_F(MediaTest, AnUploadThatEndsAfterTheServiceLeavesNothing) {
  auto begun = media->begin(about());
  ASSERT_TRUE(begun);
  ASSERT_TRUE(write(**begun, "note"));
  media->stop();
  const auto refused = finish(std::move(*begun));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::unavailable);
  EXPECT_EQ(refused.error().code, "M_UNKNOWN");
  EXPECT_TRUE(files().empty());
}

TEST_F(MediaTest, ADiskThatTakesNothingMoreIsToldAndNothingIsLeft) {
  Result<> written;
  Result<std::string> published = std::string();
  Result<std::unique_ptr<MediaUpload>> begun = nullptr;
  auto first = media->begin(about());
  auto second = media->begin(about());
  ASSERT_TRUE(first && second);
  ASSERT_TRUE(write(**second, "note"));
  {
    test::FullDisk disk;
    disk.fill();
    written = write(**first, content_of(100'000));
    published = finish(std::move(*second));
    begun = media->begin(about());
  }
  first->reset();
  ASSERT_FALSE(written || published || begun);
  for (const Error& error : {written.error(), published.error(), begun.error()}) {
    EXPECT_EQ(error.kind, ErrorKind::unavailable);
    EXPECT_EQ(error.code, "M_UNKNOWN");
    EXPECT_TRUE(error.text.starts_with("The server cannot write its disk.")) << error.text;
    EXPECT_TRUE(error.detail.contains("write of a media file")) << error.detail;
  }
  EXPECT_TRUE(files().empty());
  EXPECT_TRUE(upload("note")) << "once there is room again";
}

TEST_F(MediaTest, APromiseIsKeptOnce) {
  const auto promised = promise();
  ASSERT_TRUE(promised);
  EXPECT_EQ(promised->expires_ts, store.clock().now_ms() + 24 * 3'600'000);
  const std::string id = id_of(promised->uri);
  EXPECT_EQ(media->find("gims.internal", id).error().kind, ErrorKind::not_yet_uploaded);
  EXPECT_EQ(media->find("gims.internal", id).error().code, "M_NOT_YET_UPLOADED");

  NewMedia stranger = about();
  stranger.owner = "@joint.secretary:gims.internal";
  EXPECT_EQ(media->begin_promised(stranger, "gims.internal", id).error().code, "M_FORBIDDEN");
  EXPECT_EQ(media->begin_promised(about(), "other.internal", id).error().code, "M_NOT_FOUND");
  EXPECT_EQ(media->begin_promised(about(), "gims.internal", "nothing").error().code, "M_NOT_FOUND");

  auto begun = media->begin_promised(about(), "gims.internal", id);
  ASSERT_TRUE(begun);
  EXPECT_EQ(media->begin_promised(about(), "gims.internal", id).error().code,
            "M_CANNOT_OVERWRITE_MEDIA")
      << "two at once";
  ASSERT_TRUE(write(**begun, "kept"));
  EXPECT_EQ(finish(std::move(*begun)), promised->uri);
  EXPECT_EQ(read(id, 0, 4), "kept");
  const auto again = media->begin_promised(about(), "gims.internal", id);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().kind, ErrorKind::conflict);
  EXPECT_EQ(again.error().code, "M_CANNOT_OVERWRITE_MEDIA");
  EXPECT_EQ(read(id, 0, 4), "kept");
}

TEST_F(MediaTest, APromiseIsWaitedFor) {
  const std::string id = id_of(promise()->uri);
  const auto wait = [&](std::chrono::milliseconds timeout, std::string_view media_id) {
    auto promised = std::make_shared<std::promise<Result<MediaInfo>>>();
    media->wait({.user_id = std::string(owner),
                 .server_name = "gims.internal",
                 .media_id = std::string(media_id)},
                timeout, MediaWaits::ticket(),
                [promised](Result<MediaInfo> found) { promised->set_value(std::move(found)); });
    return promised->get_future();
  };
  constexpr auto never = std::chrono::hours(24);
  auto first = wait(never, id);
  auto begun = media->begin_promised(about(), "gims.internal", id);
  ASSERT_TRUE(begun);
  ASSERT_TRUE(write(**begun, "kept"));
  ASSERT_TRUE(finish(std::move(*begun)));
  const auto found = first.get();
  ASSERT_TRUE(found) << found.error().text;
  EXPECT_EQ(found->size, 4U);
  EXPECT_TRUE(wait(never, id).get()) << "that was uploaded just before";

  const std::string other = id_of(promise()->uri);
  EXPECT_EQ(wait(std::chrono::milliseconds(0), other).get().error().code, "M_NOT_YET_UPLOADED");
  auto last = wait(never, other);
  media->end_waits();
  EXPECT_EQ(last.get().error().code, "M_NOT_YET_UPLOADED");
  EXPECT_EQ(wait(never, other).get().error().code, "M_NOT_YET_UPLOADED");
}

TEST_F(MediaTest, AnUploadToAPromiseMayBeTriedAgain) {
  const std::string id = id_of(promise()->uri);
  ASSERT_TRUE(media->begin_promised(about(), "gims.internal", id));  // and broken off
  auto begun = media->begin_promised(about(), "gims.internal", id);
  ASSERT_TRUE(begun);
  EXPECT_TRUE(finish(std::move(*begun)));
}

TEST_F(MediaTest, APromiseExpiresAndIsForgotten) {
  const std::string id = id_of(promise()->uri);
  const std::string kept = id_of(*upload("note"));
  store.clock().advance(media_promise_life.count());
  EXPECT_EQ(media->find("gims.internal", id).error().code, "M_NOT_FOUND");
  EXPECT_EQ(media->begin_promised(about(), "gims.internal", id).error().code, "M_NOT_FOUND");
  const auto prune = [](store::Transaction& transaction) -> Result<std::int64_t> {
    GIMS_TRY(Media::prune_promises(transaction));
    return transaction.sql().changes();
  };
  EXPECT_EQ(store.write(prune), 0);
  store.clock().advance(24 * 3'600'000 + 1);
  EXPECT_EQ(store.write(prune), 1);
  EXPECT_TRUE(media->find("gims.internal", kept));
}

TEST_F(MediaTest, OpenPromisesAreLimited) {
  for (std::int64_t i = 0; i < most_media_promises; ++i) ASSERT_TRUE(promise());
  const auto refused = promise();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, "M_LIMIT_EXCEEDED");
  store.clock().advance(media_promise_life.count());
  EXPECT_TRUE(promise());
}

}  // namespace
}  // namespace gims::service
