// The server over real sockets: framing, limits, keep-alive, clients that go away.
#include "daemon/server/server.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <catch2/catch.hpp>
#include <thread>

#include "base/error.h"
#include "base/file.h"

using namespace hearth;
using namespace hearth::daemon;

namespace {

std::atomic<int> gone_count{0};

Task<void> answer(Exchange& exchange) {
  const std::string path = exchange.request().path;
  if (path == "/stream") {
    co_await exchange.start_stream("text/plain");
    for (int i = 0; i < 3; ++i) co_await exchange.write(std::string("piece\n"));
    co_await exchange.finish();
  } else if (path == "/flood") {
    co_await exchange.start_stream("text/plain");
    while (true) {
      try {
        co_await exchange.write(std::string(1 << 16, 'x'));
      } catch (const Error&) {
        ++gone_count;
        co_return;
      }
    }
  } else if (path.starts_with("/patient/")) {
    const std::string kind = path.substr(9);
    exchange.set_heartbeat(kind == "json"    ? Heartbeat::json
                           : kind == "lines" ? Heartbeat::lines
                                             : Heartbeat::events);
    for (int i = 0; i < 3; ++i) co_await exchange.wait();
    Reply reply;
    reply.body = "{\"a\"}";
    co_await exchange.send(std::move(reply));
  } else if (path == "/wait") {
    try {
      while (true) {
        exchange.throw_if_gone();
        co_await exchange.wake().wait();
      }
    } catch (const Error&) {
      ++gone_count;
    }
  } else {
    Reply reply;
    if (path == "/body") {
      const std::string body = co_await exchange.read_body();
      reply.body = std::to_string(body.size());
    }
    co_await exchange.send(std::move(reply));
  }
}

// A handler must not let exceptions out; over-long bodies come as one.
Task<void> safe_answer(Exchange& exchange) {
  bool has_failed = false;
  try {
    co_await answer(exchange);
  } catch (const Error&) {
    has_failed = true;
  }
  if (!has_failed || exchange.has_started()) co_return;
  Reply refusal;
  refusal.status = 400;
  co_await exchange.send(std::move(refusal));
}

class TestServer {
 public:
  explicit TestServer(ServerLimits limits = {}) : server_(io_.get_executor(), limits, safe_answer) {
    gone_count = 0;
    server_.listen("127.0.0.1", 0);
    port = server_.port();
    boost::asio::co_spawn(io_, server_.serve(), boost::asio::detached);
    thread_ = std::thread([this] { io_.run(); });
  }
  ~TestServer() {
    stop();
    thread_.join();
  }
  void stop() {
    boost::asio::post(io_, [this] { server_.stop(); });
  }

  uint16_t port = 0;

 private:
  boost::asio::io_context io_;
  Server server_;
  std::thread thread_;
};

class Client {
 public:
  explicit Client(const TestServer& server) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(server.port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(connect(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    const timeval limit{10, 0};
    setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  }
  void send(const std::string& text) {
    REQUIRE(::send(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL) ==
            static_cast<ssize_t>(text.size()));
  }
  // False when the connection has ended.
  bool try_send(const std::string& text) {
    return ::send(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL) ==
           static_cast<ssize_t>(text.size());
  }
  // Until `end` stands there, or the connection ends.
  std::string read_until(const std::string& end) {
    std::string text;
    char byte = 0;
    while (text.find(end) == std::string::npos && recv(socket_.get(), &byte, 1, 0) == 1)
      text += byte;
    return text;
  }
  std::string read_all() { return read_until("\x01never"); }
  void close() { socket_.reset(); }

 private:
  UniqueFd socket_;
};

std::string get(const std::string& path, const std::string& headers = "") {
  return "GET " + path + " HTTP/1.1\r\nHost: x\r\n" + headers + "\r\n";
}

bool becomes_true(const std::function<bool()>& condition) {
  for (int i = 0; i < 1000; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

}  // namespace

TEST_CASE("one connection serves several requests, also pipelined") {
  const TestServer server;
  Client client(server);
  client.send(get("/a") + get("/b"));
  CHECK(client.read_until("\r\n\r\n").starts_with("HTTP/1.1 200 OK\r\n"));
  CHECK(client.read_until("\r\n\r\n").starts_with("HTTP/1.1 200 OK\r\n"));
  client.send(get("/c", "Connection: close\r\n"));
  CHECK(client.read_all().find("Connection: close") != std::string::npos);
}

TEST_CASE("a stream comes in chunks") {
  const TestServer server;
  Client client(server);
  client.send(get("/stream"));
  const std::string answer = client.read_until("0\r\n\r\n");
  CHECK(answer.find("Transfer-Encoding: chunked") != std::string::npos);
  CHECK(answer.find("\r\n\r\n6\r\npiece\n\r\n6\r\npiece\n\r\n6\r\npiece\n\r\n0\r\n\r\n") !=
        std::string::npos);
}

TEST_CASE("a client of HTTP/1.0 gets plain bytes and the end") {
  const TestServer server;
  Client client(server);
  client.send("GET /stream HTTP/1.0\r\n\r\n");
  CHECK(client.read_all().ends_with("\r\n\r\npiece\npiece\npiece\n"));
}

TEST_CASE("bodies: by length, in chunks, after 100-continue, too long") {
  ServerLimits limits;
  limits.body_bytes_max = 1000;
  const TestServer server(limits);
  Client client(server);
  client.send("POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello");
  CHECK(client.read_until("\r\n\r\n5").ends_with("\r\n\r\n5"));
  client.send(
      "POST /body HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: "
      "chunked\r\n\r\n3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n");
  CHECK(client.read_until("\r\n\r\n7").ends_with("\r\n\r\n7"));
  client.send(
      "POST /body HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  CHECK(client.read_until("\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("hi");
  CHECK(client.read_until("\r\n\r\n2").ends_with("\r\n\r\n2"));
  client.send("POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\n\r\n" +
              std::string(1001, 'x'));
  CHECK(client.read_until("\r\n\r\n").starts_with("HTTP/1.1 400"));
  client.send(get("/again"));
  CHECK(client.read_until("\r\n\r\n").starts_with("HTTP/1.1 200"));
}

TEST_CASE("a body that nobody reads is taken off the wire so that its answer arrives") {
  const TestServer server;
  Client client(server);
  client.send("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n");
  client.send(std::string(1000000, 'x'));
  CHECK(client.read_until("\r\n\r\n").starts_with("HTTP/1.1 200"));
  client.send(get("/again"));
  CHECK(client.read_until("\r\n\r\n").starts_with("HTTP/1.1 200"));
  Client asking(server);
  asking.send("POST /a HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n");
  const std::string answer = asking.read_all();
  CHECK(answer.starts_with("HTTP/1.1 200"));
  CHECK(answer.find("100 Continue") == std::string::npos);
  CHECK(answer.find("Connection: close") != std::string::npos);
}

TEST_CASE("a body that only trickles is given up") {
  ServerLimits limits;
  limits.body_time_max = std::chrono::seconds(1);
  const TestServer server(limits);
  Client client(server);
  client.send("POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\n");
  const auto start = std::chrono::steady_clock::now();
  std::thread trickle([&client] {
    for (int i = 0; i < 40 && client.try_send("x"); ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
  });
  CHECK(client.read_all().starts_with("HTTP/1.1 4"));
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::milliseconds(3500));
  trickle.join();
}

TEST_CASE("an answer that lets wait sends its head, and then what no client takes for content") {
  ServerLimits limits;
  limits.heartbeats = {std::chrono::milliseconds(50), std::chrono::milliseconds(100),
                       std::chrono::milliseconds(50)};
  const TestServer server(limits);
  Client lines(server);
  lines.send(get("/patient/lines"));
  const std::string streamed = lines.read_until("0\r\n\r\n");
  CHECK(streamed.find("Content-Type: application/x-ndjson\r\n") != std::string::npos);
  CHECK(streamed.ends_with("\r\n\r\n1\r\n \r\n1\r\n \r\n5\r\n{\"a\"}\r\n0\r\n\r\n"));
  Client events(server);
  events.send(get("/patient/events"));
  CHECK(events.read_until("0\r\n\r\n").find("\r\n: waiting\n\n\r\n") != std::string::npos);
  Client whole(server);
  whole.send(get("/patient/json"));
  const std::string json = whole.read_until("0\r\n\r\n");
  CHECK(json.find("Content-Type: application/json; charset=utf-8\r\n") != std::string::npos);
  CHECK(json.find("1\r\n \r\n") != std::string::npos);
}

TEST_CASE("what is no HTTP is refused") {
  const TestServer server;
  for (const char* head :
       {"GET /a HTTP/1.1\r\n\r\n", "GET /a HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: "
        "chunked\r\n\r\n0\r\n\r\n",
        "POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n",
        "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: -3\r\n\r\n", "GET /a HTTP/3.0\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"}) {
    INFO(head);
    Client odd(server);
    odd.send(head);
    CHECK(odd.read_all().starts_with("HTTP/1.1 400"));
  }
  Client client(server);
  client.send("nonsense\r\n\r\n");
  CHECK(client.read_all().starts_with("HTTP/1.1 400"));
  Client long_head(server);
  long_head.send("GET / HTTP/1.1\r\nX: " + std::string(70000, 'x') + "\r\n\r\n");
  CHECK(long_head.read_all().starts_with("HTTP/1.1 431"));
}

TEST_CASE("a client that goes away while it waits is noticed") {
  const TestServer server;
  Client client(server);
  client.send(get("/wait"));
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  CHECK(gone_count == 0);
  client.close();
  CHECK(becomes_true([] { return gone_count == 1; }));
}

TEST_CASE("a client that goes away in the middle of a stream is noticed") {
  const TestServer server;
  Client client(server);
  client.send(get("/flood"));
  client.read_until("xxxx");
  client.close();
  CHECK(becomes_true([] { return gone_count == 1; }));
}

TEST_CASE("a slow reader is cut off") {
  ServerLimits limits;
  limits.write_time_max = std::chrono::seconds(1);
  const TestServer server(limits);
  Client client(server);
  client.send(get("/flood"));
  CHECK(becomes_true([] { return gone_count == 1; }));
}

TEST_CASE("an idle connection and a slow head are closed") {
  ServerLimits limits;
  limits.idle_time_max = std::chrono::seconds(1);
  limits.header_time_max = std::chrono::seconds(1);
  const TestServer server(limits);
  Client idle(server);
  Client slow(server);
  slow.send("GET / HT");
  CHECK(idle.read_all().empty());
  slow.read_all();
}

TEST_CASE("too many connections") {
  ServerLimits limits;
  limits.connections_max = 1;
  const TestServer server(limits);
  Client idle(server);
  idle.send(get("/a"));
  idle.read_until("\r\n\r\n");
  Client first(server);
  first.send(get("/wait"));
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  Client second(server);
  CHECK(second.read_all().starts_with("HTTP/1.1 503"));
}

TEST_CASE("stop ends idle connections and tells busy ones") {
  TestServer server;
  Client idle(server);
  idle.send(get("/a"));
  idle.read_until("\r\n\r\n");
  Client busy(server);
  busy.send(get("/wait"));
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  server.stop();
  CHECK(idle.read_all().empty());
  CHECK(becomes_true([] { return gone_count == 1; }));
}
