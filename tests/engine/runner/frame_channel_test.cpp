// Frames and descriptors through a real socket pair, also in crumbs, also broken.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <cstring>
#include <thread>

#include "engine/runner.h"

using namespace hearth::engine;
using hearth::Error;
using hearth::UniqueFd;
using std::chrono_literals::operator""ms;

namespace {

struct Pair {
  Pair() {
    int fds[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
    first = UniqueFd(fds[0]);
    second = UniqueFd(fds[1]);
  }
  UniqueFd first;
  UniqueFd second;
};

void write_raw(int fd, const void* data, size_t size) {
  REQUIRE(::write(fd, data, size) == ssize_t(size));
}

std::string header(uint32_t bytes, uint32_t descriptors) {
  std::string text(8, '\0');
  std::memcpy(text.data(), &bytes, 4);
  std::memcpy(text.data() + 4, &descriptors, 4);
  return text;
}

}  // namespace

TEST_CASE("channel: frames and descriptors arrive together") {
  Pair pair;
  FrameChannel left(std::move(pair.first));
  FrameChannel right(std::move(pair.second));
  const UniqueFd file(::memfd_create("x", MFD_CLOEXEC));
  write_raw(file.get(), "hello", 5);
  left.send(PingFrame{1});
  const int fds[2] = {file.get(), file.get()};
  left.send(LoadFrame{{}, 2, 0, 0, false}, fds);
  CHECK(left.try_send(PingFrame{2}));
  ReceivedFrame got;
  REQUIRE(right.receive(got, 1000ms) == ReceiveStatus::frame);
  CHECK(got.descriptors.empty());
  REQUIRE(right.receive(got, 1000ms) == ReceiveStatus::frame);
  REQUIRE(got.descriptors.size() == 2);
  char text[6] = {};
  CHECK(::pread(got.descriptors[1].get(), text, 5, 0) == 5);
  CHECK(std::string(text) == "hello");
  CHECK((::fcntl(got.descriptors[0].get(), F_GETFD) & FD_CLOEXEC) != 0);
  REQUIRE(right.receive(got, 1000ms) == ReceiveStatus::frame);
  CHECK(std::get<PingFrame>(got.frame).call == 2);
  CHECK(right.receive(got, 1ms) == ReceiveStatus::timeout);
  left.shut_down();
  CHECK(right.receive(got, 1000ms) == ReceiveStatus::closed);
  CHECK_THROWS_AS(right.send(PingFrame{1}), Error);
}

TEST_CASE(
    "channel: a large frame passes while the reader is slow, and try_send does not wait for it") {
  Pair pair;
  FrameChannel left(std::move(pair.first));
  FrameChannel right(std::move(pair.second));
  TextFrame frame{1, std::string(5'000'000, 'x')};
  std::thread sender([&] { left.send(frame); });
  // Succeeds until the sender is at work, then must refuse at once.
  int pings = 0;
  while (left.try_send(PingFrame{2}) && ++pings < 1000) std::this_thread::sleep_for(1ms);
  CHECK(pings < 1000);
  ReceivedFrame got;
  bool has_text = false;
  for (int i = 0; i <= pings; ++i) {
    if (right.receive(got, 10'000ms) != ReceiveStatus::frame) break;
    if (!std::holds_alternative<TextFrame>(got.frame)) continue;
    has_text = std::get<TextFrame>(got.frame).text == frame.text;
  }
  CHECK(has_text);
  if (!has_text) right.shut_down();
  sender.join();
}

TEST_CASE("channel: a frame that arrives in crumbs is kept between calls") {
  Pair pair;
  FrameChannel right(std::move(pair.second));
  const auto payload = encode_frame(PingFrame{42});
  std::string bytes = header(uint32_t(payload.size()), 0);
  bytes.append(static_cast<const char*>(static_cast<const void*>(payload.data())), payload.size());
  ReceivedFrame got;
  for (size_t i = 0; i + 1 < bytes.size(); ++i) {
    write_raw(pair.first.get(), &bytes[i], 1);
    REQUIRE(right.receive(got, 0ms) == ReceiveStatus::timeout);
  }
  write_raw(pair.first.get(), &bytes.back(), 1);
  REQUIRE(right.receive(got, 1000ms) == ReceiveStatus::frame);
  CHECK(std::get<PingFrame>(got.frame).call == 42);
}

TEST_CASE("channel: broken frames are refused") {
  Pair pair;
  FrameChannel right(std::move(pair.second));
  ReceivedFrame got;
  std::string bytes;
  std::string why;
  SECTION("too large") {
    bytes = header(uint32_t(frame_bytes_max) + 1, 0), why = "at most 16777216";
  }
  SECTION("empty") {
    bytes = header(0, 0), why = "a frame of 0 bytes";
  }
  SECTION("no CBOR") {
    bytes = header(3, 0) + "abc", why = "CBOR";
  }
  SECTION("descriptors that do not come") {
    bytes = header(1, 1) + std::string(1, '\x01'), why = "0 descriptors that announces 1";
  }
  write_raw(pair.first.get(), bytes.data(), bytes.size());
  CHECK_THROWS_WITH(right.receive(got, 1000ms), Catch::Matchers::Contains(why));
}

TEST_CASE("channel: the end in the middle of a frame is the end") {
  Pair pair;
  FrameChannel right(std::move(pair.second));
  const std::string bytes = header(100, 0) + "abc";
  write_raw(pair.first.get(), bytes.data(), bytes.size());
  pair.first.reset();
  ReceivedFrame got;
  CHECK(right.receive(got, 1000ms) == ReceiveStatus::closed);
}
