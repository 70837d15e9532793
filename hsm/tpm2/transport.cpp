#include "hsm/tpm2/transport.hpp"

#include <fcntl.h>
#include <poll.h>
#include <tss2/tss2_tpm2_types.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <thread>

#include "sys/errno.hpp"
#include "sys/socket.hpp"

namespace gims::hsm::tpm2 {
namespace {

// "GIMSTCTI", to know our own.
constexpr std::uint64_t tcti_magic = 0x47494D5354435449;
// Tag, size, response code (TPM 2.0 library part 1, section 18.4).
constexpr std::size_t response_header_size = 10;

Result<sys::Fd> open_device(const std::string& path) {
  // Not blocking: write(2) then starts the command and poll(2) tells its end; else write(2) itself
  // would wait for the TPM, without a limit.
  sys::Fd fd(::open(path.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
  if (!fd) return sys::fail_errno("open " + path);
  return fd;
}

// Its queue of newcomers is short, and full until it has seen the end of the connection before.
Result<sys::Fd> connect_to_software_tpm(const std::string& path, Transport::Deadline deadline) {
  while (true) {
    auto fd = sys::stream_connect(path, sys::Blocking::no);
    const bool full = !fd && fd.error().code == "EAGAIN";
    if (!full || std::chrono::steady_clock::now() >= deadline) return fd;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

}  // namespace

Result<std::unique_ptr<Transport>> Transport::open(const Address& address, Deadline deadline) {
  auto fd =
      address.swtpm ? connect_to_software_tpm(address.path, deadline) : open_device(address.path);
  if (!fd) {
    return fail(ErrorKind::unavailable, away_code,
                "The TPM at " + address.path + " cannot be reached (" + fd.error().code +
                    "): see that it is there and that gims-keyd's user may use it.",
                fd.error().detail);
  }
  return std::unique_ptr<Transport>(new Transport(std::move(*fd), deadline));
}

Transport::Transport(sys::Fd fd, Deadline deadline) noexcept
    : fd_(std::move(fd)), deadline_(deadline) {
  set_up(tcti_.common, tcti_magic, &Transport::transmit, &Transport::receive);
  tcti_.owner = this;
}

Transport& Transport::of(TSS2_TCTI_CONTEXT* context) noexcept {
  return *reinterpret_cast<Tcti*>(context)->owner;
}

bool Transport::wait_for(short events) noexcept {
  while (true) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline_ - std::chrono::steady_clock::now());
    if (left.count() <= 0) {
      timed_out_ = true;
      return false;
    }
    pollfd entry{.fd = fd_.get(), .events = events, .revents = 0};
    const int ready = ::poll(&entry, 1, static_cast<int>(left.count()));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return false;
  }
}

bool Transport::write_all(const std::uint8_t* bytes, std::size_t size) noexcept {
  while (size > 0) {
    const ssize_t written = ::write(fd_.get(), bytes, size);
    if (written > 0) {
      bytes += written;
      size -= static_cast<std::size_t>(written);
    } else if (written < 0 && errno == EAGAIN) {
      if (!wait_for(POLLOUT)) return false;
    } else if (written == 0 || errno != EINTR) {
      return false;
    }
  }
  return true;
}

std::size_t Transport::response_size() const noexcept {
  if (response_.size() < response_header_size) return response_header_size;
  std::size_t size = 0;
  for (std::size_t i = 2; i < 6; ++i) size = (size << 8U) | response_[i];
  return size;
}

bool Transport::read_response() noexcept {
  response_.clear();
  while (response_.size() < response_size()) {
    if (response_size() > TPM2_MAX_RESPONSE_SIZE || !wait_for(POLLIN)) return false;
    // The device gives its whole answer to one read, or cuts it; a socket gives what has come.
    const std::size_t had = response_.size();
    response_.resize(TPM2_MAX_RESPONSE_SIZE);
    const ssize_t got = ::read(fd_.get(), response_.data() + had, response_.size() - had);
    response_.resize(had + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    if (got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN)) return false;
  }
  // One command at a time: more than one answer is none of ours.
  return response_.size() == response_size() && response_.size() >= response_header_size;
}

TSS2_RC Transport::transmit(TSS2_TCTI_CONTEXT* context, size_t size,
                            const uint8_t* command) noexcept {
  Transport& self = of(context);
  if (self.broken_ || !self.write_all(command, size)) {
    self.broken_ = true;
    return TSS2_TCTI_RC_IO_ERROR;
  }
  self.response_.clear();
  return TSS2_RC_SUCCESS;
}

// The time limit that tpm2-tss names is not kept: its blocking calls name none, and ours is for
// several commands together.
TSS2_RC Transport::receive(TSS2_TCTI_CONTEXT* context, size_t* size, uint8_t* response,
                           int32_t /*timeout*/) noexcept {
  Transport& self = of(context);
  if (self.broken_ || (self.response_.empty() && !self.read_response())) {
    self.broken_ = true;
    return TSS2_TCTI_RC_IO_ERROR;
  }
  const size_t room = *size;
  *size = self.response_.size();
  if (response == nullptr) return TSS2_RC_SUCCESS;  // The caller asks for the size alone.
  if (room < self.response_.size()) return TSS2_TCTI_RC_INSUFFICIENT_BUFFER;
  std::ranges::copy(self.response_, response);
  self.response_.clear();
  return TSS2_RC_SUCCESS;
}

}  // namespace gims::hsm::tpm2
