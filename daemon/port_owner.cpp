#include "daemon/port_owner.h"

#include <fmt/format.h>
#include <netdb.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <array>
#include <chrono>

#include "api/json.h"
#include "base/error.h"
#include "base/file.h"

namespace hearth::daemon {
namespace {

constexpr size_t answer_bytes_max = 16 << 10;

// The raw answer to GET /api/version; empty when there is none.
std::string ask_version(const std::string& host, uint16_t port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found) != 0) return "";
  const UniqueFd socket(::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const timeval second{1, 0};
  setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &second, sizeof second);
  setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &second, sizeof second);
  const bool is_connected = connect(socket.get(), found->ai_addr, found->ai_addrlen) == 0;
  freeaddrinfo(found);
  if (!is_connected) return "";
  const std::string request = fmt::format(
      "GET /api/version HTTP/1.1\r\nHost: localhost:{}\r\nConnection: close\r\n\r\n", port);
  if (send(socket.get(), request.data(), request.size(), MSG_NOSIGNAL) < 0) return "";
  std::string answer;
  std::array<char, 4096> piece;
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(2);
  while (answer.size() < answer_bytes_max && std::chrono::steady_clock::now() < end) {
    const ssize_t size = recv(socket.get(), piece.data(), piece.size(), 0);
    if (size <= 0) break;
    answer.append(piece.data(), static_cast<size_t>(size));
  }
  return answer;
}

// Of a version somebody else states, what is fit for a line on a terminal.
std::string plain(std::string text) {
  text.resize(std::min<size_t>(text.size(), 40));
  std::erase_if(text, [](char letter) { return letter < ' ' || letter > '~'; });
  return text;
}

}  // namespace

std::string port_owner(const std::string& host, uint16_t port) {
  const std::string answer = ask_version(host, port);
  const size_t body = answer.find("\r\n\r\n");
  if (body == std::string::npos) return "another program";
  try {
    const api::Json json = api::parse_body(std::string_view(answer).substr(answer.find('{', body)));
    const api::Fields fields(json);
    if (const auto ours = fields.text("hearth")) return fmt::format("hearth {}", plain(*ours));
    if (const auto theirs = fields.text("version")) return fmt::format("Ollama {}", plain(*theirs));
  } catch (const std::exception&) {  // whatever it said, it is not one of the two
  }
  return "another program";
}

}  // namespace hearth::daemon
