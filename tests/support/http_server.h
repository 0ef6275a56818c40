// A small web server on a free port of this computer, in the test's own process: real sockets, one
// thread per connection, answers by a function. What goes wrong on purpose is part of an answer.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace hearth::testing {

struct ServedRequest {
  std::string method;
  std::string target;                          // path and query
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;

  std::string header(const std::string& name) const {
    const auto found = headers.find(name);
    return found == headers.end() ? "" : found->second;
  }
};

struct Served {
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers = {};
  std::string body = "";
  size_t cut_after = std::string::npos;  // the connection ends after so many bytes of the body
  std::chrono::milliseconds stall_before_body{0};
  size_t bytes_per_second = 0;                // 0: as fast as it goes
  size_t promised_bytes = std::string::npos;  // Content-Length, when it is a lie
};

class HttpServer {
 public:
  using Handler = std::function<Served(const ServedRequest&)>;

  explicit HttpServer(Handler handler) : handler_(std::move(handler)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        ::listen(listener_, 64) != 0 ||
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
      std::abort();
    }
    port_ = ntohs(address.sin_port);
    acceptor_ = std::thread([this] { accept_all(); });
  }

  ~HttpServer() {
    is_ending_ = true;
    ::shutdown(listener_, SHUT_RDWR);
    acceptor_.join();
    {
      const std::lock_guard lock(mutex_);
      for (const int fd : connections_) ::shutdown(fd, SHUT_RDWR);
    }
    for (std::thread& thread : threads_) thread.join();
    for (const int fd : connections_) ::close(fd);
    ::close(listener_);
  }

  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  int port() const { return port_; }
  std::string host() const { return "127.0.0.1:" + std::to_string(port_); }
  std::string url() const { return "http://" + host(); }

  // Everything that was asked so far.
  std::vector<ServedRequest> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }
  // Bytes of bodies that went out.
  uint64_t sent_bytes() const { return sent_bytes_; }

 private:
  void accept_all() {
    while (true) {
      const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) return;
      const std::lock_guard lock(mutex_);
      connections_.push_back(fd);
      threads_.emplace_back([this, fd] { serve(fd); });
    }
  }

  bool fill(int fd, std::string& buffer) {
    char bytes[65536];
    const ssize_t count = ::recv(fd, bytes, sizeof(bytes), 0);
    if (count <= 0) return false;
    buffer.append(bytes, static_cast<size_t>(count));
    return true;
  }

  void serve(int fd) {
    std::string buffer;
    while (true) {
      size_t end;
      while ((end = buffer.find("\r\n\r\n")) == std::string::npos)
        if (!fill(fd, buffer)) return;
      ServedRequest request = parse(buffer.substr(0, end + 2));
      buffer.erase(0, end + 4);
      const size_t length = std::strtoull(request.header("content-length").c_str(), nullptr, 10);
      if (!request.header("expect").empty()) send(fd, "HTTP/1.1 100 Continue\r\n\r\n");
      while (buffer.size() < length)
        if (!fill(fd, buffer)) return;
      request.body = buffer.substr(0, length);
      buffer.erase(0, length);
      {
        const std::lock_guard lock(mutex_);
        requests_.push_back(request);
      }
      if (!answer(fd, request, handler_(request))) {
        ::shutdown(fd, SHUT_RDWR);
        return;
      }
    }
  }

  static ServedRequest parse(const std::string& head) {
    ServedRequest request;
    size_t start = head.find("\r\n");
    const std::string first = head.substr(0, start);
    request.method = first.substr(0, first.find(' '));
    const size_t target = first.find(' ') + 1;
    request.target = first.substr(target, first.rfind(' ') - target);
    for (start += 2; start < head.size();) {
      const size_t end = head.find("\r\n", start);
      const std::string line = head.substr(start, end - start);
      std::string name = line.substr(0, line.find(':'));
      for (char& c : name) c = static_cast<char>(std::tolower(c));
      request.headers[name] = line.substr(line.find(':') + 2);
      start = end + 2;
    }
    return request;
  }

  bool send(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t count = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (count <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(count));
    }
    return true;
  }

  bool answer(int fd, const ServedRequest& request, const Served& served) {
    std::string head = "HTTP/1.1 " + std::to_string(served.status) + " x\r\n";
    for (const auto& [name, value] : served.headers) head += name + ": " + value + "\r\n";
    const size_t promised =
        served.promised_bytes == std::string::npos ? served.body.size() : served.promised_bytes;
    head += "Content-Length: " + std::to_string(promised) + "\r\n\r\n";
    if (!send(fd, head)) return false;
    if (request.method == "HEAD") return true;
    for (auto waited = std::chrono::milliseconds(0);
         waited < served.stall_before_body && !is_ending_; waited += std::chrono::milliseconds(5)) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    std::string_view body(served.body);
    body = body.substr(0, served.cut_after);
    const size_t slice = served.bytes_per_second == 0 ? 65536 : served.bytes_per_second / 100 + 1;
    while (!body.empty() && !is_ending_) {
      const std::string_view part = body.substr(0, slice);
      if (!send(fd, part)) return false;
      sent_bytes_ += part.size();
      body.remove_prefix(part.size());
      if (served.bytes_per_second != 0) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return served.cut_after == std::string::npos && promised == served.body.size();
  }

  Handler handler_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<bool> is_ending_{false};
  std::atomic<uint64_t> sent_bytes_{0};
  mutable std::mutex mutex_;
  std::vector<ServedRequest> requests_;
  std::vector<int> connections_;
  std::vector<std::thread> threads_;
  std::thread acceptor_;
};

}  // namespace hearth::testing
