// Measures sends against a running gimsd-testsite: many senders at once, and one after the other.
//
//   bench_sends URL CA-FILE SERVER-PID SENDERS SECONDS
//
// Every sender has a room of its own and one connection. A send counts when its answer has come,
// that is, when the event is on the disk. Prints one line a figure: name, value, unit.
#include <curl/curl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "json/value.hpp"

namespace {

using Clock = std::chrono::steady_clock;

[[noreturn]] void give_up(const std::string& why) {
  std::fprintf(stderr, "bench_sends: %s\n", why.c_str());
  std::exit(1);
}

// Processor time of a process so far, all of its threads (proc(5), fields 14 and 15 of stat).
std::chrono::microseconds processor_time(const std::string& pid) {
  std::ifstream file("/proc/" + pid + "/stat");
  std::string text;
  if (!std::getline(file, text)) give_up("no process " + pid);
  std::istringstream fields(text.substr(text.rfind(')') + 2));
  std::string skipped;
  for (int field = 3; field < 14; ++field) fields >> skipped;
  std::int64_t user = 0;
  std::int64_t system = 0;
  fields >> user >> system;
  return std::chrono::microseconds((user + system) * 1'000'000 / ::sysconf(_SC_CLK_TCK));
}

std::size_t append(char* data, std::size_t size, std::size_t count, void* out) {
  static_cast<std::string*>(out)->append(data, size * count);
  return size * count;
}

struct FreeList {
  void operator()(curl_slist* list) const noexcept { ::curl_slist_free_all(list); }
};
struct FreeEasy {
  void operator()(CURL* easy) const noexcept { ::curl_easy_cleanup(easy); }
};
struct FreeMulti {
  void operator()(CURLM* multi) const noexcept { ::curl_multi_cleanup(multi); }
};

// One device with one connection. Thread: one.
class Sender {
 public:
  Sender(std::string url, const std::string& ca, int number)
      : url_(std::move(url)), number_(number), easy_(::curl_easy_init()) {
    ::curl_easy_setopt(easy_.get(), CURLOPT_CAINFO, ca.c_str());
    ::curl_easy_setopt(easy_.get(), CURLOPT_WRITEFUNCTION, &append);
    ::curl_easy_setopt(easy_.get(), CURLOPT_WRITEDATA, &answer_);
    ::curl_easy_setopt(easy_.get(), CURLOPT_PRIVATE, this);
    ::curl_easy_setopt(easy_.get(), CURLOPT_NOSIGNAL, 1L);
  }

  [[nodiscard]] CURL* easy() const noexcept { return easy_.get(); }

  void register_account() {
    run("POST", "/_matrix/client/v3/register",
        R"({"auth":{"type":"m.login.dummy"},"password":"bench","username":"bench)" +
            std::to_string(number_) + "-" + std::to_string(::getpid()) + "\"}");
    token_ = text("access_token");
    headers_.reset(::curl_slist_append(nullptr, ("Authorization: Bearer " + token_).c_str()));
    ::curl_easy_setopt(easy_.get(), CURLOPT_HTTPHEADER, headers_.get());
  }
  void create_room() {
    run("POST", "/_matrix/client/v3/createRoom", R"({"preset":"private_chat"})");
    room_ = text("room_id");
  }

  // Sets the next send up; the caller performs it, or hands the handle to a multi.
  void prepare_send() {
    prepare("PUT",
            "/_matrix/client/v3/rooms/" + room_ + "/send/m.room.encrypted/t" +
                std::to_string(transaction_++),
            R"({"algorithm":"m.megolm.v1.aes-sha2","ciphertext":")" + std::string(600, 'A') +
                R"(","device_id":"BENCH","sender_key":"k","session_id":"s"})");
  }
  void check_answer() {
    long status = 0;
    ::curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &status);
    if (status != 200) give_up("answer " + std::to_string(status) + ": " + answer_);
  }
  void send() {
    prepare_send();
    perform();
  }

 private:
  void prepare(const char* method, const std::string& path, std::string body) {
    answer_.clear();
    body_ = std::move(body);
    ::curl_easy_setopt(easy_.get(), CURLOPT_URL, (url_ + path).c_str());
    ::curl_easy_setopt(easy_.get(), CURLOPT_CUSTOMREQUEST, method);
    ::curl_easy_setopt(easy_.get(), CURLOPT_POSTFIELDS, body_.c_str());
    ::curl_easy_setopt(easy_.get(), CURLOPT_POSTFIELDSIZE, static_cast<long>(body_.size()));
  }
  void perform() {
    if (const CURLcode failed = ::curl_easy_perform(easy_.get()); failed != CURLE_OK) {
      give_up(::curl_easy_strerror(failed));
    }
    check_answer();
  }
  void run(const char* method, const std::string& path, std::string body) {
    prepare(method, path, std::move(body));
    perform();
  }
  std::string text(std::string_view member) const {
    const auto document = gims::json::Document::parse(answer_);
    if (!document) give_up("not JSON: " + answer_);
    return std::string(document->root().get(member).string_or(""));
  }

  std::string url_;
  int number_;
  std::unique_ptr<CURL, FreeEasy> easy_;
  std::unique_ptr<curl_slist, FreeList> headers_;
  std::string token_;
  std::string room_;
  std::string body_;
  std::string answer_;
  std::uint64_t transaction_ = 0;
};

using Senders = std::vector<std::unique_ptr<Sender>>;

// All senders at once, each with one send under way, for the given time. Returns how many were
// acknowledged.
std::uint64_t send_at_once(const Senders& senders, std::chrono::seconds time) {
  const std::unique_ptr<CURLM, FreeMulti> multi(::curl_multi_init());
  for (const auto& sender : senders) {
    sender->prepare_send();
    ::curl_multi_add_handle(multi.get(), sender->easy());
  }
  std::uint64_t sent = 0;
  int running = 0;
  const auto end = Clock::now() + time;
  for (bool stopping = false; !stopping || running > 0;) {
    ::curl_multi_perform(multi.get(), &running);
    int left = 0;
    while (const CURLMsg* message = ::curl_multi_info_read(multi.get(), &left)) {
      CURL* easy = message->easy_handle;
      if (message->data.result != CURLE_OK) give_up(::curl_easy_strerror(message->data.result));
      Sender* sender = nullptr;
      ::curl_easy_getinfo(easy, CURLINFO_PRIVATE, &sender);
      sender->check_answer();
      ++sent;
      ::curl_multi_remove_handle(multi.get(), easy);
      if (stopping) continue;
      sender->prepare_send();
      ::curl_multi_add_handle(multi.get(), easy);
      ++running;
    }
    stopping = Clock::now() >= end;
    if (running > 0) ::curl_multi_poll(multi.get(), nullptr, 0, 100, nullptr);
  }
  return sent;
}

double milliseconds_at(std::vector<double>& sorted, double part) {
  const auto at = static_cast<std::size_t>(part * static_cast<double>(sorted.size() - 1));
  return sorted[at];
}

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

int number_of(std::string_view text) {
  int number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  if (number < 1) give_up("not a number above 0: " + std::string(text));
  return number;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) give_up("usage: bench_sends URL CA-FILE SERVER-PID SENDERS SECONDS");
  const std::string pid = argv[3];
  ::curl_global_init(CURL_GLOBAL_DEFAULT);
  Senders senders;
  for (int i = 0; i < number_of(argv[4]); ++i) {
    senders.push_back(std::make_unique<Sender>(argv[1], argv[2], i));
    senders.back()->register_account();
    senders.back()->create_room();
  }
  const std::chrono::seconds time(number_of(argv[5]));

  // Warm, and each connection made.
  send_at_once(senders, std::chrono::seconds(2));
  const auto processor = processor_time(pid);
  const auto start = Clock::now();
  const std::uint64_t sent = send_at_once(senders, time);
  const double took = seconds_since(start);
  const auto used = processor_time(pid) - processor;
  std::printf("sends_per_second %.0f\n", static_cast<double>(sent) / took);
  std::printf("processor_us_per_send %.0f\n",
              static_cast<double>(used.count()) / static_cast<double>(sent));

  std::vector<double> latencies;
  while (latencies.size() < 2000) {
    const auto begin = Clock::now();
    senders.front()->send();
    latencies.push_back(seconds_since(begin) * 1000);
  }
  std::ranges::sort(latencies);
  std::printf("sequential_p50_ms %.2f\n", milliseconds_at(latencies, 0.5));
  std::printf("sequential_p99_ms %.2f\n", milliseconds_at(latencies, 0.99));
  senders.clear();
  ::curl_global_cleanup();
  return 0;
}
