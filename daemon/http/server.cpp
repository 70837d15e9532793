#include "http/server.hpp"

#include <atomic>
#include <mutex>
#include <utility>

#include "http/loop.hpp"

namespace gims::http {
namespace {

class LoopServer final : public Server {
 public:
  LoopServer(const ServerOptions& options, std::vector<Route> routes, Renderer renderer)
      : shared_{.options = options,
                .router = Router(std::move(routes)),
                .renderer = std::make_shared<const Renderer>(std::move(renderer)),
                .pool = WorkerPool(options.workers, options.worker_queue)} {}
  LoopServer(const LoopServer&) = delete;
  LoopServer& operator=(const LoopServer&) = delete;
  ~LoopServer() override { stop(); }

  [[nodiscard]] Result<> start_loops() {
    for (unsigned i = 0; i < shared_.options.loops; ++i) {
      GIMS_TRY_ASSIGN(auto loop, Loop::start(shared_));
      loops_.push_back(std::move(loop));
    }
    return {};
  }

  void adopt(Incoming connection, Peer peer) override {
    if (++shared_.connections > shared_.options.connections) {
      --shared_.connections;
      return;
    }
    Loop& loop = *loops_[next_.fetch_add(1, std::memory_order_relaxed) % loops_.size()];
    if (!loop.mailbox()->post(
            Adopt{.connection = std::move(connection), .peer = std::move(peer)})) {
      --shared_.connections;
    }
  }

  void stop() override {
    const std::lock_guard lock(stopping_);
    // Loops first: each answers what waits with 503. What a worker still answers finds no loop.
    for (auto& loop : loops_) loop->stop();
    shared_.pool.stop();
  }

  [[nodiscard]] unsigned parts() const noexcept override {
    return static_cast<unsigned>(loops_.size()) + 1;
  }
  void poke(unsigned part, std::function<void()> answer) override {
    if (part < loops_.size()) {
      loops_[part]->mailbox()->post(Poke{std::move(answer)});
    } else {
      shared_.pool.submit_first(std::move(answer));
    }
  }
  [[nodiscard]] std::size_t connections() const noexcept override { return shared_.connections; }

 private:
  Shared shared_;
  std::vector<std::unique_ptr<Loop>> loops_;
  std::atomic<std::size_t> next_ = 0;
  std::mutex stopping_;
};

}  // namespace

Result<std::unique_ptr<Server>> Server::start(ServerOptions options, std::vector<Route> routes,
                                              Renderer renderer) {
  auto server = std::make_unique<LoopServer>(options, std::move(routes), std::move(renderer));
  GIMS_TRY(server->start_loops());
  return server;
}

}  // namespace gims::http
