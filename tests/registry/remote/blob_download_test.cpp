// One blob over connections that do everything connections do, from a real server in this process.
#include "registry/remote/blob_download.h"

#include <catch2/catch.hpp>
#include <random>
#include <thread>

#include "base/base64.h"
#include "base/error.h"
#include "registry/remote/partial_file.h"
#include "registry/remote/range_fetch.h"
#include "registry/remote/transfer_hub.h"
#include "tests/registry/temporary_folder.h"
#include "tests/support/registry_server.h"

using namespace hearth;
using namespace hearth::registry;
using namespace std::chrono_literals;
using hearth::testing::digest_of;
using hearth::testing::HttpServer;
using hearth::testing::serve_range;
using hearth::testing::Served;
using hearth::testing::ServedRequest;
using hearth::testing::TemporaryFolder;

namespace {

constexpr uint64_t mebibyte = 1 << 20;

std::string random_content(size_t bytes) {
  std::mt19937_64 random(3);
  std::string content(bytes, '\0');
  for (char& c : content) c = static_cast<char>(random());
  return content;
}

// Nine parts and a bit.
const std::string content = random_content(9 * mebibyte + 12345);

TransferSettings quick() {
  TransferSettings settings;
  settings.connect_timeout = 1s;
  settings.first_byte_timeout = 1s;
  settings.stall_timeout = 300ms;
  settings.retry_delay = 5ms;
  return settings;
}

// A store, a source, and one blob to bring from there.
struct Downloading {
  explicit Downloading(HttpServer::Handler handler, const std::string& the_content = content)
      : server(std::move(handler)),
        blobs(folder.path()),
        journal(folder.path() / "state.db"),
        order{BlobDigest::parse(digest_of(the_content)), the_content.size(), url("/blob")} {}

  Url url(const std::string& path) const { return *parse_url(server.url() + path); }
  void run(const BlobProgress& progress = [](uint64_t) {}) {
    RemoteSession session(settings, url("/"), {});
    download_blob(blobs, journal, session, order, progress);
  }
  ErrorCode error() {
    try {
      run();
    } catch (const Error& failure) {
      message = failure.what();
      return failure.code();
    }
    FAIL("expected an error");
    return {};
  }
  bool is_right() const { return blobs.read(order.digest) == content; }
  bool has_partial() const {
    return std::filesystem::exists(partial_path(blobs.folder(), order.digest));
  }

  TransferSettings settings = quick();
  HttpServer server;
  TemporaryFolder folder;
  BlobStore blobs;
  DownloadJournal journal;
  BlobOrder order;
  std::string message;
};

Served whole_or_range(const ServedRequest& request) {
  return serve_range(request, content);
}

}  // namespace

TEST_CASE("download: over several connections, each byte once") {
  Downloading downloading(whole_or_range);
  uint64_t last = 0;
  downloading.run([&](uint64_t completed) {
    CHECK(completed >= last);
    last = completed;
  });
  CHECK(downloading.is_right());
  CHECK_FALSE(downloading.has_partial());
  CHECK(downloading.server.sent_bytes() == content.size());
  CHECK(downloading.server.requests().size() == 10);
  CHECK_FALSE(downloading.journal.find(downloading.order.digest, content.size()));
}

TEST_CASE("download: every fault that passes") {
  std::mutex mutex;
  std::map<std::string, int> faults;
  // The first question for each range goes wrong in one way or another.
  Downloading downloading([&](const ServedRequest& request) -> Served {
    const std::lock_guard lock(mutex);
    Served served = serve_range(request, content);
    if (faults[request.header("range")]++ > 0) return served;
    switch (faults.size() % 7) {
      case 0:
        served.cut_after = served.body.size() / 2;
        break;
      case 1:
        return {.status = 503, .body = "not now"};
      case 2:
        served.headers[0].second = "bytes 5-9/" + std::to_string(content.size());
        break;
      case 3:
        served.stall_before_body = 5s;
        break;
      case 4:
        return {.status = 429, .headers = {{"Retry-After", "0"}}};
      case 5:
        served.promised_bytes = served.body.size() + 100;
        break;
      default:
        return {.body = content};  // 200 in place of the range
    }
    return served;
  });
  downloading.run();
  CHECK(downloading.is_right());
}

TEST_CASE("download: what has arrived stays, whatever ended it") {
  std::atomic<bool> is_slow{true};
  Downloading downloading([&](const ServedRequest& request) {
    Served served = serve_range(request, content);
    if (is_slow) served.bytes_per_second = 4 * mebibyte;
    return served;
  });
  for (const uint64_t until : {2 * mebibyte, 5 * mebibyte}) {
    const auto stop = [&](uint64_t completed) {
      if (completed > until) throw Error(ErrorCode::cancelled, "stop");
    };
    CHECK_THROWS_WITH(downloading.run(stop), "stop");
    CHECK(downloading.has_partial());
    CHECK_FALSE(downloading.blobs.has(downloading.order.digest));
    const auto state = downloading.journal.find(downloading.order.digest, content.size());
    REQUIRE(state);
    CHECK(state->arrived.size_bytes() > until);
  }
  const auto state = downloading.journal.find(downloading.order.digest, content.size());
  is_slow = false;
  const uint64_t before = downloading.server.sent_bytes();
  downloading.run();
  CHECK(downloading.is_right());
  // What the server was still sending when the last one stopped may count here.
  const uint64_t missing = content.size() - state->arrived.size_bytes();
  CHECK(downloading.server.sent_bytes() - before <= missing + mebibyte / 2);
}

TEST_CASE("download: what Ollama left is taken over") {
  Downloading downloading(whole_or_range);
  const std::string partial = partial_path(downloading.blobs.folder(), downloading.order.digest);
  hearth::testing::put_file(partial, content.substr(0, 8 * mebibyte));
  hearth::testing::put_file(partial + "-0",
                            R"({"N":0,"Offset":0,"Size":9000000,"Completed":8000000})");
  downloading.run();
  CHECK(downloading.is_right());
  CHECK(downloading.server.sent_bytes() == content.size() - 8'000'000);
  CHECK_FALSE(std::filesystem::exists(partial + "-0"));
}

// As RFC 9530 has it, of a body before it is damaged.
std::string content_digest(const std::string& body) {
  std::string digest;
  const std::string hex = digest_of(body).substr(7);
  for (size_t i = 0; i < hex.size(); i += 2)
    digest += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  return "sha-256=:" + encode_base64(std::string_view(digest)) + ":";
}

TEST_CASE("download: a damaged byte costs one part where the source tells what a part must be") {
  std::atomic<int> damages{1};
  Downloading downloading([&](const ServedRequest& request) {
    Served served = serve_range(request, content);
    served.headers.emplace_back("Content-Digest", content_digest(served.body));
    if (request.header("range").starts_with("bytes=4194304-") && damages-- > 0)
      served.body[77] ^= 1;
    return served;
  });
  downloading.run();
  CHECK(downloading.is_right());
  CHECK(downloading.server.sent_bytes() == content.size() + mebibyte);
  CHECK(damages == -1);
}

TEST_CASE("download: where it does not tell, the parts are compared until the whole is right") {
  std::atomic<int> damages{1};
  Downloading downloading([&](const ServedRequest& request) {
    Served served = serve_range(request, content);
    if (request.header("range").starts_with("bytes=2097152-") && damages-- > 0)
      served.body[77] ^= 1;
    return served;
  });
  downloading.settings.connections = 1;
  downloading.run();
  CHECK(downloading.is_right());
  // The first 4 MiB are asked for again, where the damage is.
  CHECK(downloading.server.sent_bytes() <= content.size() + 4 * mebibyte);
}

TEST_CASE("download: what is compared may arrive damaged too, but not for ever") {
  for (const int damages_max : {3, 1000}) {
    std::atomic<int> damages{0};
    Downloading downloading([&](const ServedRequest& request) {
      Served served = serve_range(request, content);
      if (request.header("range").starts_with("bytes=0-") && damages < damages_max)
        served.body[static_cast<size_t>(damages++)] ^= 1;
      return served;
    });
    if (damages_max == 3) {
      downloading.run();
      CHECK(downloading.is_right());
    } else {
      CHECK(downloading.error() == ErrorCode::corrupt_data);
      CHECK_FALSE(downloading.has_partial());
      CHECK(damages == 5);  // once, and four times compared
    }
  }
}

TEST_CASE("download: bytes that are all there count, even when their answer ends badly") {
  for (const bool has_digests : {false, true}) {
    std::atomic<int> answers{0};
    Downloading downloading([&](const ServedRequest& request) {
      Served served = serve_range(request, content);
      if (has_digests) served.headers.emplace_back("Content-Digest", content_digest(served.body));
      const bool is_last =
          request.header("range").ends_with("-" + std::to_string(content.size() - 1));
      if (is_last && answers++ == 0) served.body.back() ^= 1;
      served.promised_bytes = served.body.size() + 9;
      served.bytes_per_second = 200'000'000;  // a moment between the last byte and the end
      return served;
    });
    downloading.run();
    CHECK(downloading.is_right());
  }
}

TEST_CASE("download: tokens that run out again and again are renewed, once for all connections") {
  std::atomic<int> asked{0}, served{0};
  Downloading downloading([&](const ServedRequest& request) {
    if (request.target.starts_with("/token"))
      return Served{.body = "{\"token\":\"t" + std::to_string(++asked) + "\"}"};
    const int good = asked;
    if (request.header("authorization") != "Bearer t" + std::to_string(good) || served++ % 7 == 6) {
      return Served{.status = 401,
                    .headers = {{"WWW-Authenticate", "Bearer realm=\"/token\",service=\"s\""}}};
    }
    return serve_range(request, content);
  });
  downloading.run();
  CHECK(downloading.is_right());
  CHECK(asked > 1);
}

TEST_CASE("download: a source that is wrong is not believed, and nothing of it stays") {
  std::string wrong = content;
  wrong[5'000'000] ^= 1;
  Downloading downloading(
      [&](const ServedRequest& request) { return serve_range(request, wrong); });
  CHECK(downloading.error() == ErrorCode::corrupt_data);
  CHECK_THAT(downloading.message, Catch::Contains("digest mismatch"));
  CHECK_FALSE(downloading.has_partial());
  CHECK_FALSE(downloading.blobs.has(downloading.order.digest));
  Downloading short_one([&](const ServedRequest& request) {
    return serve_range(request, content.substr(0, content.size() - 1));
  });
  CHECK(short_one.error() == ErrorCode::corrupt_data);
}

TEST_CASE("download: a source without ranges is read in one piece") {
  Downloading downloading([](const ServedRequest&) { return Served{.body = content}; });
  downloading.run();
  CHECK(downloading.is_right());
}

TEST_CASE("download: an empty blob needs no question") {
  Downloading downloading(whole_or_range, "");
  downloading.run();
  CHECK(downloading.blobs.size(downloading.order.digest) == 0);
  CHECK(downloading.server.requests().empty());
}

TEST_CASE("download: statuses that do not pass end it, tries end too") {
  std::atomic<int> status{404};
  Downloading downloading(
      [&](const ServedRequest&) { return Served{.status = status, .body = "because"}; });
  CHECK(downloading.error() == ErrorCode::not_found);
  status = 403;
  CHECK(downloading.error() == ErrorCode::forbidden);
  CHECK_THAT(downloading.message, Catch::Contains("because"));
  status = 500;
  CHECK(downloading.error() == ErrorCode::unavailable);
  CHECK(downloading.server.requests().size() == 2 + static_cast<size_t>(quick().tries_max));
}

TEST_CASE("download: a redirect is followed without credentials, and asked for anew when it ends") {
  std::atomic<int> signature{1};
  std::atomic<int> leaks{0};
  HttpServer other([&](const ServedRequest& request) -> Served {
    if (!request.header("authorization").empty()) ++leaks;
    if (request.target != "/signed/" + std::to_string(signature)) return {.status = 403};
    if (request.header("range").starts_with("bytes=5")) signature = 2;  // the old one expires
    return serve_range(request, content);
  });
  Downloading downloading([&](const ServedRequest& request) -> Served {
    if (request.header("authorization") != "Bearer secret") return {.status = 401};
    return {.status = 307,
            .headers = {{"Location", other.url() + "/signed/" + std::to_string(signature)}}};
  });
  RemoteSession session(downloading.settings, downloading.url("/"), {"", "", "secret"});
  download_blob(downloading.blobs, downloading.journal, session, downloading.order,
                [](uint64_t) {});
  CHECK(downloading.is_right());
  CHECK(leaks == 0);
  CHECK(downloading.server.requests().size() >= 2);
  CHECK(downloading.server.requests().size() <= 6);
}

TEST_CASE("download: redirects that lead nowhere or where nobody may go") {
  std::string target;
  Downloading downloading([&](const ServedRequest&) {
    return Served{.status = 302, .headers = {{"Location", target}}};
  });
  for (const char* place :
       {"/blob", "file:///etc/passwd", "http://169.254.169.254/latest/meta-data",
        "http://[fe80::1]/", "gopher://127.0.0.1/", ""}) {
    target = place;
    INFO(place);
    const ErrorCode code = downloading.error();
    CHECK((code == ErrorCode::corrupt_data || code == ErrorCode::forbidden));
  }
}

TEST_CASE("download: two who want the same share one transfer, and the last stops it") {
  Downloading downloading([](const ServedRequest& request) {
    Served served = serve_range(request, content);
    served.bytes_per_second = 6 * mebibyte;
    return served;
  });
  TransferHub hub(downloading.blobs, downloading.journal);
  const auto session = [&] {
    return std::make_unique<RemoteSession>(downloading.settings, downloading.url("/"),
                                           RegistryCredentials{});
  };
  std::atomic<bool> has_left{false};
  std::thread first([&] {
    try {
      hub.fetch(session(), downloading.order, [](uint64_t completed) {
        if (completed > mebibyte) throw Error(ErrorCode::cancelled, "enough");
      });
    } catch (const Error&) {
      has_left = true;
    }
  });
  hub.fetch(session(), downloading.order, [](uint64_t) {});
  first.join();
  CHECK(has_left);
  CHECK(downloading.is_right());
  CHECK(downloading.server.sent_bytes() == content.size());
}

TEST_CASE("download: of two who share a transfer the one with the higher limit counts") {
  Downloading downloading(whole_or_range);
  TransferHub hub(downloading.blobs, downloading.journal);
  const auto fetch = [&](uint64_t bytes_per_second, const BlobProgress& progress) {
    BlobOrder order = downloading.order;
    order.bytes_per_second = bytes_per_second;
    auto session = std::make_unique<RemoteSession>(downloading.settings, downloading.url("/"),
                                                   RegistryCredentials{});
    hub.fetch(std::move(session), order, progress);
  };
  std::atomic<uint64_t> arrived{0};
  std::thread slow([&] {
    fetch(2 * mebibyte, [&](uint64_t completed) {
      CHECK(completed >= arrived);
      arrived = completed;
    });
  });
  const auto start = std::chrono::steady_clock::now();
  while (arrived < mebibyte) std::this_thread::sleep_for(5ms);
  const std::chrono::duration<double> alone = std::chrono::steady_clock::now() - start;
  CHECK(alone.count() > 0.3);
  fetch(0, [](uint64_t) {});
  const std::chrono::duration<double> both = std::chrono::steady_clock::now() - start;
  slow.join();
  CHECK(both < alone + 3s);  // alone it would have taken more than four
  CHECK(downloading.is_right());
}

TEST_CASE("range headers: what can be read, and what cannot") {
  const auto range = parse_content_range("bytes 5-9/100", 0);
  REQUIRE(range);
  CHECK(range->range == ByteRange{5, 10});
  CHECK(range->total_bytes == 100);
  CHECK(parse_content_range("bytes 0-0/*", 7)->total_bytes == 7);
  for (const char* text :
       {"", "bytes", "bytes 5-9", "bytes 9-5/100", "bytes 5-100/100", "items 5-9/100",
        "bytes */100", "bytes 5-9/", "bytes 5-9/x", "bytes 5-99999999999999999999/*"}) {
    INFO(text);
    CHECK_FALSE(parse_content_range(text, 1000));
  }
  CHECK(parse_content_digest(
            "sha-512=:xx:, sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:") ==
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  for (const char* text : {"", "sha-256=", "sha-256=::", "sha-256=:abc:", "sha-512=:abc:",
                           "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="})
    CHECK(parse_content_digest(text).empty());
}
