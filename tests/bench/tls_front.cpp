// What the TLS front costs: processor time of a full handshake and of a request, and memory of an
// idle connection. The clients are in another process, and the front's threads are known by their
// names, so that only the front is counted. Prints one line a figure.
#include <malloc.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "base/check.hpp"
#include "sys/epoll.hpp"
#include "sys/harden.hpp"
#include "sys/socket.hpp"
#include "tls/front.hpp"
#include "unit/tls/test_client.hpp"
#include "unit/tls/test_leaf.hpp"

namespace gims::tls {
namespace {

using test::TestClient;

constexpr std::size_t handshakes = 1000;
constexpr std::size_t connections = 64;
constexpr std::size_t rounds = 400;
constexpr std::size_t idle = 1000;
// A small Matrix request and its answer, roughly.
constexpr std::size_t request_size = 350;
constexpr std::size_t answer_size = 250;

class LongLeafSource final : public LeafSource {
 public:
  Result<Leaf> obtain() override { return test::make_long_leaf(); }
};

// Answers every request in one thread, which is not counted.
class AnsweringSink final : public ConnectionSink {
 public:
  AnsweringSink() : epoll_(*sys::Epoll::create()) {}
  ~AnsweringSink() override {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
  }
  void start() {
    thread_ = std::thread([this] { run(); });
  }
  Result<> deliver(Delivery&& delivery, const sys::Handover& /*handover*/) override {
    const int fd = delivery.connection.release();
    return epoll_.add(fd, EPOLLIN, static_cast<std::uint64_t>(fd));
  }

 private:
  void run() const {
    const std::vector<std::uint8_t> answer(answer_size, 'a');
    std::vector<std::uint8_t> request(4096);
    std::array<epoll_event, 64> room{};
    while (!stop_) {
      const auto events = epoll_.wait(room, std::chrono::milliseconds(50));
      for (const epoll_event& event : *events) {
        const int fd = static_cast<int>(event.data.u64);
        const ssize_t got = ::recv(fd, request.data(), request.size(), 0);
        if (got <= 0) {
          ::close(fd);
        } else {
          static_cast<void>(!::send(fd, answer.data(), answer.size(), MSG_NOSIGNAL));
        }
      }
    }
  }
  sys::Epoll epoll_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

// Seconds on a processor of the threads whose names begin so (proc(5), schedstat: nanoseconds
// first).
double processor_seconds(const std::string& prefix) {
  double seconds = 0;
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    std::string name;
    std::ifstream(task.path() / "comm") >> name;
    double nanoseconds = 0;
    std::ifstream(task.path() / "schedstat") >> nanoseconds;
    if (name.starts_with(prefix)) seconds += nanoseconds / 1e9;
  }
  return seconds;
}

// The clients take a step when they are told, and tell when it is done.
struct Steps {
  int fd;
  void done_and_wait() const {
    char byte = 'x';
    GIMS_CHECK(::write(fd, &byte, 1) == 1);
    GIMS_CHECK(::read(fd, &byte, 1) == 1);
  }
};

void run_clients(std::uint16_t port, const Steps& steps) {
  steps.done_and_wait();
  for (std::size_t i = 0; i < handshakes; ++i) GIMS_CHECK(TestClient::connect(port) != nullptr);
  steps.done_and_wait();
  std::vector<std::unique_ptr<TestClient>> clients;
  for (std::size_t i = 0; i < connections; ++i) clients.push_back(TestClient::connect(port));
  steps.done_and_wait();
  const std::vector<std::uint8_t> request(request_size, 'r');
  for (std::size_t round = 0; round < rounds; ++round) {
    for (const auto& client : clients) GIMS_CHECK(client->write(request));
    for (const auto& client : clients) GIMS_CHECK(client->read(answer_size).size() == answer_size);
  }
  steps.done_and_wait();
  for (std::size_t i = 0; i < idle; ++i) clients.push_back(TestClient::connect(port));
  steps.done_and_wait();
}

int run() {
  GIMS_CHECK(sys::raise_open_files(8192).has_value());
  FrontOptions options;
  options.listeners = {{.door = sys::Door::client, .address = "127.0.0.1", .port = 0}};
  options.connections_per_address = options.connections;
  const SystemClock clock;
  LongLeafSource source;
  AnsweringSink sink;
  auto front = *Front::create(options, source, sink, clock);
  auto pair = *sys::stream_pair(sys::Blocking::yes);
  const std::uint16_t port = front->ports().at(0);
  const pid_t child = ::fork();
  if (child == 0) {
    pair.first.reset();
    run_clients(port, Steps{pair.second.get()});
    ::_exit(0);
  }
  pair.second.reset();
  GIMS_CHECK(front->serve().has_value());
  sink.start();
  const Steps steps{pair.first.get()};
  char byte = 0;
  GIMS_CHECK(::read(steps.fd, &byte, 1) == 1);

  double before = processor_seconds("tls-handshake");
  steps.done_and_wait();
  const double handshake = processor_seconds("tls-handshake") - before;
  std::printf("full handshakes (TLS 1.3, P-256)  %8.0f /s of one processor\n",
              static_cast<double>(handshakes) / handshake);

  steps.done_and_wait();
  before = processor_seconds("tls-pump");
  steps.done_and_wait();
  const double pump = processor_seconds("tls-pump") - before;
  std::printf("request and answer, pump          %8.1f us of processor\n",
              1e6 * pump / static_cast<double>(connections * rounds));

  ::malloc_trim(0);
  const std::size_t heap = ::mallinfo2().uordblks;
  steps.done_and_wait();
  std::printf("idle connection                   %8.1f kB of heap\n",
              static_cast<double>(::mallinfo2().uordblks - heap) / 1000.0 / idle);
  GIMS_CHECK(::write(steps.fd, &byte, 1) == 1);
  ::waitpid(child, nullptr, 0);
  front->stop();
  return 0;
}

}  // namespace
}  // namespace gims::tls

int main() { return gims::tls::run(); }
