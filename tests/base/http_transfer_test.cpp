// Requests against a real server in this process: many at once, and everything that goes wrong.
#include "base/http_transfer.h"

#include <catch2/catch.hpp>
#include <cstdio>
#include <cstring>
#include <fstream>

#include "base/error.h"
#include "tests/support/http_server.h"

using namespace hearth;
using namespace std::chrono_literals;
using hearth::testing::HttpServer;
using hearth::testing::Served;
using hearth::testing::ServedRequest;

namespace {

struct Recorder : HttpHandler {
  bool on_head(const HttpHead& the_head) override {
    head = the_head;
    return takes_head;
  }
  bool on_body(std::span<const std::byte> bytes) override {
    body_bytes += bytes.size();
    return body_bytes < body_bytes_max;
  }
  void on_end(const HttpOutcome& the_outcome) override { outcome = the_outcome; }

  bool takes_head = true;
  size_t body_bytes_max = SIZE_MAX;
  HttpHead head;
  size_t body_bytes = 0;
  std::optional<HttpOutcome> outcome;
};

HttpOptions quick() {
  HttpOptions options;
  options.user_agent = "test/1";
  options.connect_timeout = 500ms;
  options.first_byte_timeout = 300ms;
  options.stall_timeout = 200ms;
  return options;
}

HttpRequest get(const std::string& url) {
  HttpRequest request;
  request.url = url;
  return request;
}

// Until the request has ended.
HttpEnd run(HttpClient& client, HttpRequest request, Recorder& recorder) {
  client.start(std::move(request), recorder);
  for (int i = 0; i < 500 && !recorder.outcome; ++i) client.run_once(20ms);
  REQUIRE(recorder.outcome);
  return recorder.outcome->end;
}

const std::function<void()> go_on = [] {};

// What has come from that port of this computer and waits in the kernel for somebody to read it.
unsigned unread_bytes(int port) {
  std::ifstream table("/proc/net/tcp");
  unsigned sum = 0;
  for (std::string line; std::getline(table, line);) {
    unsigned remote = 0, unread = 0;
    if (std::sscanf(line.c_str(), "%*d: %*x:%*x %*x:%x %*x %*x:%x", &remote, &unread) == 2 &&
        remote == static_cast<unsigned>(port))
      sum += unread;
  }
  return sum;
}

}  // namespace

TEST_CASE("http: one request, its headers and its answer") {
  HttpServer server([](const ServedRequest& request) {
    return Served{.status = 201, .headers = {{"X-Method", request.method}}, .body = request.body};
  });
  HttpClient client(quick());
  HttpRequest request = get(server.url() + "/a?b=c");
  request.method = "PUT";
  request.headers = {{"X-Sent", "yes"}};
  const std::string text(300'000, 'x');
  request.body = HttpBody{text.size(), [&](uint64_t offset, std::span<std::byte> into) {
                            const size_t count =
                                std::min<size_t>(into.size(), text.size() - offset);
                            std::memcpy(into.data(), text.data() + offset, count);
                            return count;
                          }};
  const HttpAnswer answer = client.fetch(std::move(request), 1 << 20, go_on);
  CHECK(answer.status == 201);
  CHECK(*find_header(answer.headers, "x-method") == "PUT");
  CHECK(find_header(answer.headers, "absent") == nullptr);
  CHECK(answer.body == text);
  const ServedRequest seen = server.requests().at(0);
  CHECK(seen.target == "/a?b=c");
  CHECK(seen.header("x-sent") == "yes");
  CHECK(seen.header("user-agent") == "test/1");
}

TEST_CASE("http: many at once in one thread") {
  HttpServer server([](const ServedRequest&) { return Served{.body = std::string(500'000, 'b')}; });
  HttpClient client(quick());
  std::array<Recorder, 6> recorders;
  for (Recorder& recorder : recorders) client.start(get(server.url()), recorder);
  CHECK(client.active_count() == recorders.size());
  for (int i = 0; i < 500 && client.active_count() > 0; ++i) client.run_once(20ms);
  for (const Recorder& recorder : recorders) {
    REQUIRE(recorder.outcome);
    CHECK(recorder.outcome->end == HttpEnd::complete);
    CHECK(recorder.body_bytes == 500'000);
  }
}

TEST_CASE("http: how a request can end") {
  HttpServer server([](const ServedRequest& request) -> Served {
    if (request.target == "/cut") return {.body = std::string(1000, 'c'), .cut_after = 10};
    if (request.target == "/lie") return {.body = "short", .promised_bytes = 1000};
    if (request.target == "/stall") return {.body = "late", .stall_before_body = 10s};
    if (request.target == "/loris")
      return {.body = std::string(1000, 'l'), .bytes_per_second = 100};
    return {.body = std::string(100'000, 'o')};
  });
  HttpClient client(quick());
  const auto end_of = [&](const std::string& path) {
    Recorder recorder;
    return run(client, get(server.url() + path), recorder);
  };
  CHECK(end_of("/") == HttpEnd::complete);
  CHECK(end_of("/cut") == HttpEnd::broken);
  CHECK(end_of("/lie") == HttpEnd::broken);
  CHECK(end_of("/stall") == HttpEnd::stalled);
  CHECK(end_of("/loris") == HttpEnd::stalled);
  Recorder no_head;
  no_head.takes_head = false;
  CHECK(run(client, get(server.url()), no_head) == HttpEnd::stopped);
  CHECK(no_head.body_bytes == 0);
  Recorder half;
  half.body_bytes_max = 1000;
  CHECK(run(client, get(server.url()), half) == HttpEnd::stopped);
  Recorder nobody;
  CHECK(run(client, get("http://127.0.0.1:1/"), nobody) == HttpEnd::unreachable);
  HttpRequest refused = get(server.url());
  HttpClient fresh(quick());  // the other one has a connection already
  AddressKind seen = AddressKind::public_net;
  refused.may_connect = [&](AddressKind kind) {
    seen = kind;
    return false;
  };
  Recorder nowhere;
  CHECK(run(fresh, std::move(refused), nowhere) == HttpEnd::refused);
  CHECK(seen == AddressKind::loopback);
}

TEST_CASE("http: an answer that is too large, a check that throws, and no address") {
  HttpServer server([](const ServedRequest& request) -> Served {
    if (request.target == "/slow") return {.body = "x", .stall_before_body = 10s};
    return {.body = std::string(100'000, 'o')};
  });
  HttpClient client(quick());
  CHECK_THROWS_AS(client.fetch(get(server.url()), 1000, go_on), Error);
  CHECK_THROWS_WITH(client.fetch(get(server.url() + "/slow"), 1000,
                                 [] { throw Error(ErrorCode::cancelled, "stop"); }),
                    "stop");
  CHECK(client.active_count() == 0);
  CHECK_THROWS_AS(client.fetch(get("file:///etc/passwd"), 1000, go_on), Error);
}

TEST_CASE("http: a proxy gets the whole address, and literal addresses are still looked at") {
  HttpServer proxy([](const ServedRequest& request) { return Served{.body = request.target}; });
  HttpOptions options = quick();
  options.environment = {{"http_proxy", proxy.url()}, {"no_proxy", "direct.example"}};
  HttpClient client(options);
  HttpRequest named = get("http://somewhere.example/x");
  named.may_connect = [](AddressKind kind) { return kind == AddressKind::public_net; };
  CHECK(client.fetch(named, 1000, go_on).body == "http://somewhere.example/x");
  HttpRequest literal = named;
  literal.url = "http://169.254.169.254/latest";
  CHECK_THROWS_AS(client.fetch(literal, 1000, go_on), Error);
}

TEST_CASE("http: little is sent ahead of a limit") {
  HttpServer server([](const ServedRequest&) { return Served{.body = std::string(8 << 20, 'r')}; });
  RateLimit limit(1 << 20);
  HttpOptions options = quick();
  options.rate_limit = &limit;
  HttpClient client(options);
  Recorder recorder;
  client.start(get(server.url()), recorder);
  while (recorder.body_bytes < 400'000) client.run_once(20ms);
  CHECK(unread_bytes(server.port()) < 70'000);
}

TEST_CASE("http: the rate limit holds for all together") {
  HttpServer server([](const ServedRequest&) { return Served{.body = std::string(400'000, 'r')}; });
  RateLimit limit(2'000'000);
  HttpOptions options = quick();
  options.rate_limit = &limit;
  HttpClient client(options);
  std::array<Recorder, 2> recorders;
  const auto start = std::chrono::steady_clock::now();
  for (Recorder& recorder : recorders) client.start(get(server.url()), recorder);
  while (client.active_count() > 0) client.run_once(20ms);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  CHECK(recorders[0].outcome->end == HttpEnd::complete);
  CHECK(took.count() > 0.2);
  CHECK(took.count() < 1.5);
}
