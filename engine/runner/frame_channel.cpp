// Length-prefixed frames over a Unix socket, descriptors beside the first byte. Header and payload
// are read with exact lengths, so a frame's descriptors can only arrive with its own header.
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "engine/runner.h"

namespace hearth::engine {
namespace {

constexpr size_t header_bytes = 8;

using ControlBuffer = std::array<char, CMSG_SPACE(sizeof(int) * frame_descriptors_max)>;

[[noreturn]] void throw_gone() {
  throw Error(ErrorCode::unavailable, "the other end of the runner's socket is closed");
}

void attach_descriptors(msghdr& message, std::span<const int> descriptors, ControlBuffer& control) {
  if (descriptors.empty()) return;
  const size_t bytes = descriptors.size() * sizeof(int);
  message.msg_control = control.data();
  message.msg_controllen = CMSG_SPACE(bytes);
  cmsghdr* head = CMSG_FIRSTHDR(&message);
  head->cmsg_level = SOL_SOCKET;
  head->cmsg_type = SCM_RIGHTS;
  head->cmsg_len = CMSG_LEN(bytes);
  std::memcpy(CMSG_DATA(head), descriptors.data(), bytes);
}

void take_descriptors(msghdr& message, std::vector<UniqueFd>& into) {
  for (cmsghdr* head = CMSG_FIRSTHDR(&message); head != nullptr;
       head = CMSG_NXTHDR(&message, head)) {
    if (head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS) continue;
    const size_t count = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(head) + i * sizeof(int), sizeof(int));
      into.emplace_back(fd);
    }
  }
}

std::array<std::byte, header_bytes> make_header(size_t payload_bytes, size_t descriptor_count) {
  const uint32_t words[2] = {static_cast<uint32_t>(payload_bytes),
                             static_cast<uint32_t>(descriptor_count)};
  std::array<std::byte, header_bytes> header;
  std::memcpy(header.data(), words, header_bytes);
  return header;
}

// Writes as much as the flags let it. False when nothing could be written without waiting.
bool write_some(int socket, std::span<const std::byte>& bytes, std::span<const int>& descriptors,
                int flags) {
  ControlBuffer control;
  iovec part{const_cast<std::byte*>(bytes.data()), bytes.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  attach_descriptors(message, descriptors, control);
  const ssize_t count = ::sendmsg(socket, &message, flags | MSG_NOSIGNAL);
  if (count < 0) {
    if (errno == EAGAIN || errno == EWOULDBLOCK) return false;
    if (errno == EINTR) return true;
    if (errno == EPIPE || errno == ECONNRESET) throw_gone();
    throw Error(ErrorCode::internal,
                fmt::format("cannot write to the runner's socket: {}", std::strerror(errno)));
  }
  descriptors = {};
  bytes = bytes.subspan(static_cast<size_t>(count));
  return true;
}

}  // namespace

FrameChannel::FrameChannel(UniqueFd socket) : socket_(std::move(socket)) {}

void FrameChannel::send(const Frame& frame, std::span<const int> descriptors) {
  if (descriptors.size() > frame_descriptors_max) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("{} files for one runner, at most {} are possible", descriptors.size(),
                            frame_descriptors_max));
  }
  const std::vector<std::byte> payload = encode_frame(frame);
  const auto header = make_header(payload.size(), descriptors.size());
  std::lock_guard lock(send_mutex_);
  for (std::span<const std::byte> bytes :
       {std::span<const std::byte>(header), std::span<const std::byte>(payload)}) {
    while (!bytes.empty()) write_some(socket_.get(), bytes, descriptors, 0);
  }
}

bool FrameChannel::try_send(const Frame& frame) {
  std::vector<std::byte> bytes = encode_frame(frame);
  const auto header = make_header(bytes.size(), 0);
  bytes.insert(bytes.begin(), header.begin(), header.end());
  const std::unique_lock lock(send_mutex_, std::try_to_lock);
  if (!lock) return false;
  std::span<const std::byte> rest = bytes;
  std::span<const int> none;
  if (!write_some(socket_.get(), rest, none, MSG_DONTWAIT)) return false;
  // Small writes to a Unix socket are whole or nothing; should one not be, a half frame must not
  // stay behind.
  while (!rest.empty()) write_some(socket_.get(), rest, none, 0);
  return true;
}

// Reads without waiting into the rest of `into`.
FrameChannel::ReadResult FrameChannel::read_some(std::span<std::byte> into, size_t& done) {
  ControlBuffer control;
  iovec part{into.data() + done, into.size() - done};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const ssize_t count = ::recvmsg(socket_.get(), &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (count < 0) {
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) return ReadResult::nothing;
    if (errno == ECONNRESET) return ReadResult::end;
    throw Error(ErrorCode::internal,
                fmt::format("cannot read from the runner's socket: {}", std::strerror(errno)));
  }
  take_descriptors(message, descriptors_);
  if ((message.msg_flags & MSG_CTRUNC) != 0 || descriptors_.size() > frame_descriptors_max)
    throw Error(ErrorCode::corrupt_data, "a frame with too many descriptors");
  if (count == 0) return ReadResult::end;
  done += static_cast<size_t>(count);
  return ReadResult::some;
}

FrameChannel::ReadResult FrameChannel::advance() {
  if (header_done_ < header_bytes) {
    const ReadResult result = read_some(header_, header_done_);
    if (header_done_ < header_bytes) return result;
    uint32_t words[2];
    std::memcpy(words, header_, header_bytes);
    if (words[0] == 0 || words[0] > frame_bytes_max) {
      throw Error(
          ErrorCode::corrupt_data,
          fmt::format("a frame of {} bytes, at most {} are allowed", words[0], frame_bytes_max));
    }
    descriptors_expected_ = words[1];
    payload_.resize(words[0]);
    payload_done_ = 0;
    return ReadResult::some;
  }
  return read_some(payload_, payload_done_);
}

ReceivedFrame FrameChannel::take_frame() {
  if (descriptors_.size() != descriptors_expected_) {
    throw Error(ErrorCode::corrupt_data,
                fmt::format("a frame with {} descriptors that announces {}", descriptors_.size(),
                            descriptors_expected_));
  }
  ReceivedFrame received{decode_frame(payload_), std::exchange(descriptors_, {})};
  header_done_ = 0;
  payload_.clear();
  // A large frame is rare; its buffer is not kept.
  if (payload_.capacity() > size_t{1} << 20) payload_.shrink_to_fit();
  return received;
}

ReceiveStatus FrameChannel::receive(ReceivedFrame& received, std::chrono::milliseconds timeout) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  for (;;) {
    const ReadResult result = advance();
    if (result == ReadResult::end) return ReceiveStatus::closed;
    if (header_done_ == header_bytes && payload_done_ == payload_.size()) {
      received = take_frame();
      return ReceiveStatus::frame;
    }
    if (result == ReadResult::some) continue;
    int wait_ms = -1;
    if (timeout.count() >= 0) {
      const auto left =
          std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
      if (left.count() <= 0) return ReceiveStatus::timeout;
      wait_ms = static_cast<int>(std::min<int64_t>(left.count(), 1'000'000));
    }
    pollfd waiting{socket_.get(), POLLIN, 0};
    if (::poll(&waiting, 1, wait_ms) < 0 && errno == EINTR) return ReceiveStatus::timeout;
  }
}

void FrameChannel::shut_down() noexcept {
  ::shutdown(socket_.get(), SHUT_RDWR);
}

}  // namespace hearth::engine
