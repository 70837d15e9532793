#include "http/server.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

#include "site.hpp"
#include "support/descriptors.hpp"

namespace gims::http {
namespace {

using test::Client;
using test::get;
using test::post;
using test::route;
using test::Site;
using test::text_response;

Handler says(std::string text) {
  return [text](Responder responder) { std::move(responder).reply(text_response(200, text)); };
}
Handler echo() {
  return [](Responder responder) {
    std::string body = responder.request().body;
    std::move(responder).reply(text_response(200, std::move(body)));
  };
}

// Keeps Responders until the test answers them.
class Waiters {
 public:
  Handler handler() {
    return [this](Responder responder) {
      const std::lock_guard lock(mutex_);
      held_.push_back(std::move(responder));
      changed_.notify_all();
    };
  }
  // The same, each with an on_gone() that counts.
  Handler watched_handler() {
    return [this](Responder responder) {
      responder.on_gone([this] {
        const std::lock_guard lock(mutex_);
        ++gone_;
        changed_.notify_all();
      });
      handler()(std::move(responder));
    };
  }
  void wait_for(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return held_.size() >= count; });
  }
  void wait_for_gone(int count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return gone_ >= count; });
  }
  int gone() {
    const std::lock_guard lock(mutex_);
    return gone_;
  }
  std::vector<Responder> take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(held_, {});
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Responder> held_;
  int gone_ = 0;
};

TEST(Server, AnswersOnOneConnectionAgainAndAgain) {
  Site site({route(Method::get, "/hello/{name}", [](Responder responder) {
    std::string name(responder.request().param("name"));
    std::move(responder).reply(text_response(200, "hello " + name));
  })});
  auto client = site.connect();
  for (int i = 0; i < 3; ++i) {
    const auto answer = client.ask(get("/hello/%E0%A4%86%E0%A4%B6%E0%A4%BE"));
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, 200);
    EXPECT_EQ(answer->body, "hello आशा");
  }
}

TEST(Server, AnswersPipelinedRequestsInOrder) {
  Waiters waiters;
  Site site(
      {route(Method::get, "/late", waiters.handler()), route(Method::get, "/now", says("now"))});
  auto client = site.connect();
  client.send(get("/late") + get("/now") + get("/now"));
  waiters.wait_for(1);
  std::move(waiters.take().front()).reply(text_response(200, "late"));
  EXPECT_EQ(client.receive()->body, "late");
  EXPECT_EQ(client.receive()->body, "now");
  EXPECT_EQ(client.receive()->body, "now");
}

TEST(Server, TellsAnUnknownPathFromAWrongMethod) {
  Site site({route(Method::get, "/a", says("a")), route(Method::put, "/a", says("a"))});
  auto client = site.connect();
  auto answer = client.ask(get("/b"));
  EXPECT_EQ(answer->status, 404);
  EXPECT_EQ(answer->body, "NO_ROUTE");
  answer = client.ask(post("/a", ""));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 405);
  EXPECT_EQ(answer->body, "WRONG_METHOD");
  EXPECT_EQ(answer->headers["allow"], "GET, PUT");
}

TEST(Server, KeepsTheDoorsApart) {
  Site site({Route{.method = Method::get,
                   .door = Door::admin,
                   .path = "/a",
                   .body_limit = 0,
                   .run = Run::on_loop,
                   .handler = says("admin"),
                   .sink = nullptr}});
  auto officer = site.connect({.address = "192.0.2.7", .door = Door::client, .uid = {}});
  EXPECT_EQ(officer.ask(get("/a"))->status, 404);
  auto administrator = site.connect({.address = {}, .door = Door::admin, .uid = 0});
  EXPECT_EQ(administrator.ask(get("/a"))->body, "admin");
}

TEST(Server, AnswersHeadAndOptions) {
  Site site({route(Method::get, "/a", says("seven b"))});
  auto client = site.connect();
  client.send("HEAD /a HTTP/1.1\r\nHost: x\r\n\r\n");
  const auto head = client.receive(true);
  EXPECT_EQ(head->status, 200);
  EXPECT_EQ(head->headers.at("content-length"), "7");
  client.send("OPTIONS /no/such/path HTTP/1.1\r\nHost: x\r\n\r\n");
  const auto options = client.receive();
  EXPECT_EQ(options->status, 204);
  EXPECT_EQ(options->headers.at("x-options"), "yes");
  EXPECT_EQ(client.ask(get("/a"))->body, "seven b");  // the connection is still in step
}

TEST(Server, RefusesBadTargets) {
  Site site({route(Method::get, "/{x}", says("x"))});
  for (const char* path : {"/%", "/%g1", "/%00", "/%ff", "/a?b=%c3", "/%ed%a0%80"}) {
    auto client = site.connect();
    const auto answer = client.ask(get(path));
    ASSERT_TRUE(answer) << path;
    EXPECT_EQ(answer->status, 400) << path;
    EXPECT_EQ(answer->body, "BAD_TARGET") << path;
  }
}

TEST(Server, RefusesALargeBodyByItsLengthWithoutReadingIt) {
  Site site({route(Method::post, "/a", echo(), Run::on_loop, 100)});
  auto client = site.connect();
  const auto answer =
      client.ask("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\nstart");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 413);
  EXPECT_TRUE(client.closed_by_server());
  auto other = site.connect();
  EXPECT_EQ(other.ask(post("/a", std::string(100, 'x')))->status, 200);
  EXPECT_EQ(other.ask(post("/a", std::string(101, 'x')))->status, 413);
}

TEST(Server, ReadsChunkedBodiesAndLimitsThem) {
  Site site({route(Method::post, "/a", echo(), Run::on_loop, 10)});
  const std::string head = "POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
  auto client = site.connect();
  EXPECT_EQ(client.ask(head + "4\r\nabcd\r\n6\r\nefghij\r\n0\r\n\r\n")->body, "abcdefghij");
  EXPECT_EQ(client.ask(head + "b\r\nabcdefghijk\r\n0\r\n\r\n")->status, 413);
  auto endless = site.connect();
  endless.send(head);
  const std::string chunk = "1000\r\n" + std::string(4096, 'x') + "\r\n";
  for (int i = 0; i < 512; ++i) endless.send(chunk);
  EXPECT_TRUE(endless.closed_by_server());
}

TEST(Server, SaysContinueToThoseWhoWait) {
  Site site({route(Method::post, "/a", echo(), Run::on_loop, 10)});
  auto client = site.connect();
  client.send("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.receive()->status, 100);
  client.send("abc");
  EXPECT_EQ(client.receive()->body, "abc");
  auto large = site.connect();
  large.send("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 30\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(large.receive()->status, 413);
}

TEST(Server, RefusesWhatAnotherServerCouldReadOtherwise) {
  std::atomic<int> handled = 0;
  Site site({route(Method::post, "/a", [&](Responder responder) {
    ++handled;
    std::move(responder).reply(text_response(200, ""));
  })});
  const std::vector<std::string> forms{
      // Both lengths (RFC 9112, section 6.1).
      "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: "
      "chunked\r\n\r\n0\r\n\r\n",
      "POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: "
      "3\r\n\r\n0\r\n\r\n",
      // Two lengths.
      "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
      "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3, 3\r\n\r\nabc",
      "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: +3\r\n\r\nabc",
      "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
      // An encoding that is not chunked.
      "POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
      // White space before the colon, a folded line, a bare CR.
      "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length : 3\r\n\r\nabc",
      "POST /a HTTP/1.1\r\nHost: x\r\nX-A: b\r\n Content-Length: 3\r\n\r\nabc",
      "POST /a HTTP/1.1\r\nHost: x\r\nX-A: b\rContent-Length: 3\r\n\r\nabc",
      // No host, and two.
      "POST /a HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
      "POST /a HTTP/1.1\r\nHost: x\r\nHost: y\r\nContent-Length: 0\r\n\r\n",
      "POST /a HTTP/7.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
      std::string("POST /a\0b HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", 50),
  };
  for (const std::string& form : forms) {
    auto client = site.connect();
    client.send(form);
    const auto answer = client.receive();
    EXPECT_TRUE(!answer || answer->status >= 400) << form;
    EXPECT_EQ(handled.exchange(0), 0) << form;
  }
}

TEST(Server, LimitsTheHead) {
  Site site({route(Method::get, "/a", says("a"))}, {.head_limit = 8192});
  auto fits = site.connect();
  EXPECT_EQ(
      fits.ask("GET /a HTTP/1.1\r\nHost: x\r\nX-A: " + std::string(8000, 'a') + "\r\n\r\n")->status,
      200);
  auto over = site.connect();
  EXPECT_EQ(
      over.ask("GET /a HTTP/1.1\r\nHost: x\r\nX-A: " + std::string(8192, 'a') + "\r\n\r\n")->status,
      431);
  auto endless = site.connect();
  endless.send("GET /a HTTP/1.1\r\nHost: x\r\nX-A: ");
  for (int i = 0; i < 64; ++i) endless.send(std::string(4096, 'a'));
  const auto answer = endless.receive();
  EXPECT_TRUE(!answer || answer->status == 431);
  EXPECT_TRUE(endless.closed_by_server());
}

// 128 events at a time stall a loop that asks epoll again without a time limit.
TEST(Server, ServesManyConnectionsAtOnce) {
  constexpr std::size_t count = 300;
  Waiters waiters;
  Site site(
      {route(Method::get, "/wait", waiters.handler()), route(Method::get, "/now", says("now"))},
      {.loops = 1});
  std::vector<Client> clients;
  for (std::size_t i = 0; i < count; ++i) clients.push_back(site.connect());
  for (int round = 0; round < 3; ++round) {
    for (auto& client : clients) client.send(get("/now"));
    for (auto& client : clients) ASSERT_EQ(client.receive()->body, "now");
  }
  for (auto& client : clients) client.send(get("/wait"));
  waiters.wait_for(count);
  auto held = waiters.take();
  std::vector<std::thread> threads;
  for (std::size_t part = 0; part < 4; ++part) {
    threads.emplace_back([&held, part] {
      for (std::size_t i = part; i < held.size(); i += 4) {
        std::move(held[i]).reply(text_response(200, "woken"));
      }
    });
  }
  for (auto& client : clients) EXPECT_EQ(client.receive()->body, "woken");
  for (auto& thread : threads) thread.join();
}

TEST(Server, TakesRepliesWhileTheHandlerStillRuns) {
  Site site({route(Method::get, "/race", [](Responder responder) {
    // The other thread may be faster than this one leaves the handler, or slower.
    std::thread([held = std::move(responder)]() mutable {
      std::move(held).reply(text_response(200, "raced"));
    }).detach();
  })});
  auto client = site.connect();
  for (int i = 0; i < 500; ++i) ASSERT_EQ(client.ask(get("/race"))->body, "raced");
}

TEST(Server, RunsHandlersOnThePoolAndRefusesWhatIsTooMuch) {
  std::mutex mutex;
  std::condition_variable changed;
  bool open = false;
  int started = 0;
  Site site({route(
                 Method::get, "/slow",
                 [&](Responder responder) {
                   std::unique_lock lock(mutex);
                   ++started;
                   changed.notify_all();
                   changed.wait(lock, [&] { return open; });
                   std::move(responder).reply(text_response(200, "slow"));
                 },
                 Run::on_pool),
             route(Method::get, "/quick", says("quick"))},
            {.loops = 1, .workers = 1, .worker_queue = 1});
  auto first = site.connect();
  first.send(get("/slow"));
  {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return started == 1; });
  }
  auto second = site.connect();  // waits in the queue
  auto third = site.connect();
  second.send(get("/slow"));
  EXPECT_EQ(second.fd() >= 0 ? third.ask(get("/quick"))->body : "", "quick");  // loops are free
  const auto refused = third.ask(get("/slow"));
  EXPECT_EQ(refused->status, 503);
  EXPECT_EQ(refused->body, "BUSY");
  {
    const std::lock_guard lock(mutex);
    open = true;
  }
  changed.notify_all();
  EXPECT_EQ(first.receive()->body, "slow");
  EXPECT_EQ(second.receive()->body, "slow");
}

TEST(Server, AnswersForAHandlerThatDoesNot) {
  Site site({route(Method::get, "/a", [](Responder) {})});
  auto client = site.connect();
  EXPECT_EQ(client.ask(get("/a"))->status, 500);
  EXPECT_EQ(client.ask(get("/a"))->body, "DROPPED");
}

TEST(Server, TellsAWaiterWhenItsClientIsGone) {
  Waiters waiters;
  Site site({route(Method::get, "/wait", waiters.watched_handler())});
  auto client = site.connect();
  auto other = site.connect();
  client.send(get("/wait"));
  other.send(get("/wait"));
  waiters.wait_for(2);
  client.close();
  waiters.wait_for_gone(1);
  for (auto& held : waiters.take()) std::move(held).reply(text_response(200, "for one"));
  EXPECT_EQ(other.receive()->body, "for one");
  EXPECT_EQ(waiters.gone(), 1);
}

TEST(Server, SeesAnEndThatCameTogetherWithHalfARequest) {
  Site site({route(Method::get, "/", [](Responder) {})});
  std::vector<Client> clients;
  for (const std::string_view half : {"G", "GET / HTTP/1.1\r\nHost: a"}) {
    auto pair = sys::stream_pair(sys::Blocking::yes);
    ASSERT_TRUE(pair);
    Client& client = clients.emplace_back(std::move(pair->second));
    client.send(half);
    client.shut_sending();
    site.server().adopt(std::move(pair->first), {});
  }
  for (Client& client : clients) EXPECT_TRUE(client.closed_by_server());
}

TEST(Server, LetsAClientShutItsSideWhenNobodyWatches) {
  Waiters waiters;
  Site site({route(Method::get, "/wait", waiters.handler())});
  auto client = site.connect();
  client.send(get("/wait"));
  client.shut_sending();
  waiters.wait_for(1);
  std::move(waiters.take().front()).reply(text_response(200, "still"));
  EXPECT_EQ(client.receive()->body, "still");
}

TEST(Server, DropsRepliesToClientsThatLeft) {
  Waiters waiters;
  Site site(
      {route(Method::get, "/wait", waiters.handler()), route(Method::get, "/now", says("now"))},
      {.loops = 1});
  auto client = site.connect();
  client.send(get("/wait"));
  waiters.wait_for(1);
  client.close();
  std::move(waiters.take().front()).reply(text_response(200, "late"));
  EXPECT_EQ(site.connect().ask(get("/now"))->body, "now");
}

TEST(Server, StopsWithWaitersAndDropsWhatTheySayLater) {
  Waiters waiters;
  Site site({route(Method::get, "/poll", waiters.watched_handler()),
             route(Method::get, "/work", waiters.handler())});
  auto poll = site.connect();
  auto work = site.connect();
  poll.send(get("/poll"));
  work.send(get("/work"));
  waiters.wait_for(2);
  site.server().stop();
  EXPECT_EQ(poll.receive()->status, 503);
  EXPECT_EQ(work.receive()->status, 503);
  EXPECT_TRUE(poll.closed_by_server());
  site.server().stop();
  site.destroy();
  for (auto& held : waiters.take()) {
    EXPECT_FALSE(held.request().path.empty());
    std::move(held).reply(text_response(200, "too late"));
  }
}

TEST(Server, ClosesWhatIsOneTooMany) {
  Site site({route(Method::get, "/now", says("now"))}, {.connections = 2});
  auto first = site.connect();
  auto second = site.connect();
  EXPECT_EQ(first.ask(get("/now"))->body, "now");
  EXPECT_EQ(second.ask(get("/now"))->body, "now");
  EXPECT_TRUE(site.connect().closed_by_server());
  first.close();
  while (site.server().connections() > 1) std::this_thread::yield();
  EXPECT_EQ(site.connect().ask(get("/now"))->body, "now");
}

TEST(Server, AnswersForEachOfItsThreads) {
  Site site({route(Method::get, "/now", says("now"))}, {.loops = 3, .workers = 1});
  std::mutex mutex;
  std::condition_variable changed;
  unsigned answered = 0;
  EXPECT_EQ(site.server().parts(), 4U);
  for (unsigned part = 0; part < 4; ++part) {
    site.server().poke(part, [&] {
      const std::lock_guard lock(mutex);
      ++answered;
      changed.notify_all();
    });
  }
  std::unique_lock lock(mutex);
  changed.wait(lock, [&] { return answered == 4; });
}

TEST(Server, DoesNotStartWithTooFewDescriptorsAndKeepsNone) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const auto open_before = gims::test::open_descriptors();
  const sys::Fd lowest(::dup(STDERR_FILENO));
  std::vector<Error> errors;
  bool started = false;
  for (rlim_t more = 1; !started; ++more) {
    rlimit few = before;
    few.rlim_cur = static_cast<rlim_t>(lowest.get()) + more;
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
    const auto server = Server::start({.loops = 1}, {}, test::plain_renderer());
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
    started = server.has_value();
    if (!started) errors.push_back(server.error());
  }
  EXPECT_EQ(gims::test::open_descriptors(), open_before + 1);
  const auto of_library =
      std::ranges::find_if(errors, [](const Error& error) { return error.code == "HTTP"; });
  ASSERT_NE(of_library, errors.end()) << "none was for want of the library's own descriptors";
  EXPECT_EQ(of_library->kind, ErrorKind::internal);
  EXPECT_EQ(of_library->detail, "MHD_start_daemon");
  EXPECT_EQ(errors.front().code, "EMFILE");
}

}  // namespace
}  // namespace gims::http
