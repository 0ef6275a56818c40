// A model from a registry into the store.
#include "registry/puller.h"

#include <catch2/catch.hpp>

#include "base/error.h"
#include "tests/registry/temporary_folder.h"
#include "tests/support/registry_server.h"

using namespace hearth::registry;
using hearth::Error;
using hearth::ErrorCode;
using hearth::testing::digest_of;
using hearth::testing::HttpServer;
using hearth::testing::RegistryServer;
using hearth::testing::Served;
using hearth::testing::ServedRequest;
using hearth::testing::TemporaryFolder;

namespace {

const TransferWatcher ignore = [](const TransferEvent&) {};

TransferSettings quick() {
  TransferSettings settings;
  settings.retry_delay = std::chrono::milliseconds(2);
  settings.tries_max = 3;
  return settings;
}

struct Pulling {
  explicit Pulling(TransferSettings settings = quick())
      : store(folder.path()), puller(store, std::move(settings)) {}
  ModelName name(const RegistryServer& server, const std::string& rest) const {
    return ModelName::parse(server.host() + "/" + rest);
  }

  void pull(const ModelName& model, const TransferWatcher& watcher = ignore) {
    puller.pull(model, {.is_insecure = true, .credentials = {}}, watcher);
  }
  ErrorCode error(const ModelName& model) {
    try {
      pull(model);
    } catch (const Error& failure) {
      message = failure.what();
      return failure.code();
    }
    FAIL("expected an error");
    return {};
  }

  TemporaryFolder folder;
  ModelStore store;
  Puller puller;
  std::string message;
};

Served challenge(const std::string& realm) {
  return {.status = 401,
          .headers = {
              {"WWW-Authenticate", "Bearer realm=\"" + realm +
                                       "\",service=\"s\",scope=\"repository:library/m:pull\""}}};
}

}  // namespace

TEST_CASE("a pulled model is byte for byte the registry's, and says how it goes") {
  RegistryServer server;
  const std::string weights(3'000'000, 'w');
  const std::string manifest = server.add_model("library/m/latest", {weights, "be kind"});
  Pulling pulling;
  std::vector<TransferEvent> events;
  const ModelName name = pulling.name(server, "library/m");
  pulling.puller.pull(name, {.is_insecure = true, .credentials = {}},
                      [&](const TransferEvent& event) { events.push_back(event); });
  const auto stored = pulling.store.read(name);
  REQUIRE(stored);
  CHECK(stored->bytes == manifest);
  CHECK(pulling.store.blobs().read(BlobDigest::parse(digest_of(weights))) == weights);
  CHECK(pulling.store.open(name).system == "be kind");

  CHECK(events.front().status == "pulling manifest");
  CHECK(events.back().status == "success");
  uint64_t completed = 0;
  for (const TransferEvent& event : events) {
    if (event.digest != digest_of(weights)) continue;
    CHECK(event.status == "pulling " + digest_of(weights).substr(7, 12));
    CHECK(event.total_bytes == weights.size());
    CHECK(event.completed_bytes >= completed);
    completed = event.completed_bytes;
  }
  CHECK(completed == weights.size());
}

TEST_CASE("what is there is not asked for again") {
  RegistryServer server;
  server.add_model("library/m/latest", {"weights", "be kind"});
  Pulling pulling;
  const ModelName name = pulling.name(server, "library/m");
  pulling.puller.pull(name, {.is_insecure = true, .credentials = {}}, ignore);
  const size_t asked = server.server().requests().size();
  pulling.puller.pull(name, {.is_insecure = true, .credentials = {}}, ignore);
  CHECK(server.server().requests().size() == asked + 1);  // the manifest
}

TEST_CASE("a model that is not there, and plain http that nobody asked for") {
  RegistryServer server;
  Pulling pulling;
  const ModelName name = pulling.name(server, "library/none");
  try {
    pulling.puller.pull(name, {.is_insecure = true, .credentials = {}}, ignore);
    FAIL("expected an error");
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::not_found);
    CHECK(std::string(error.what()) == "pull model manifest: file does not exist");
  }
  ModelName plain = name;
  plain.scheme = "http";
  CHECK_THROWS_WITH(pulling.puller.pull(plain, {}, ignore), "insecure protocol http");
}

TEST_CASE("offline nothing is asked, and a mirror is asked first") {
  RegistryServer server;
  server.add_model("library/m/latest", {"weights"});
  TransferSettings offline = quick();
  offline.is_offline = true;
  Pulling silent(offline);
  CHECK(silent.error(silent.name(server, "library/m")) == ErrorCode::unavailable);
  CHECK_THAT(silent.message, Catch::Contains("HEARTH_OFFLINE"));
  CHECK(server.server().requests().empty());

  TransferSettings mirrored = quick();
  mirrored.mirrors["models.example"] = {"http://127.0.0.1:1", "http://" + server.host()};
  Pulling pulling(mirrored);
  const ModelName name = ModelName::parse("models.example/library/m");
  pulling.pull(name);
  CHECK(pulling.store.read(name));
}

TEST_CASE("a token is asked for with a signature, and goes to the registry only") {
  std::string host;
  std::atomic<int> tokens{0};
  RegistryServer server([&](const ServedRequest& request) -> std::optional<Served> {
    if (request.target.starts_with("/token")) {
      ++tokens;
      const std::string proof = request.header("authorization");
      const bool is_signed =
          proof.starts_with("AAAAC3NzaC1lZDI1NTE5") && proof.size() == 68 + 1 + 88;
      return is_signed ? Served{.body = R"({"token":"good"})"} : Served{.status = 401};
    }
    if (request.header("authorization") == "Bearer good") return std::nullopt;
    return challenge("http://" + host + "/token?account=me");
  });
  host = server.host();
  server.add_model("library/m/latest", {"weights", "be kind"});
  TemporaryFolder keys;
  TransferSettings settings = quick();
  settings.key_file = keys.path() / "id_ed25519";
  Pulling pulling(settings);
  pulling.pull(pulling.name(server, "library/m"));
  CHECK(tokens == 1);  // for the whole pull
  CHECK(std::filesystem::exists(settings.key_file));
}

TEST_CASE("CVE-2025-51471: no signature and no password for a realm elsewhere") {
  HttpServer thief([](const ServedRequest&) { return Served{.body = R"({"token":"x"})"}; });
  std::string realm = thief.url() + "/token";
  RegistryServer server([&](const ServedRequest& request) -> std::optional<Served> {
    if (request.target.starts_with("/moved"))
      return Served{.status = 307, .headers = {{"Location", thief.url() + "/token"}}};
    return challenge(realm);
  });
  TemporaryFolder keys;
  TransferSettings settings = quick();
  settings.key_file = keys.path() / "id_ed25519";
  settings.credentials[server.host()] = {"me", "secret", ""};
  Pulling pulling(settings);
  const ModelName name = pulling.name(server, "library/m");
  CHECK(pulling.error(name) == ErrorCode::forbidden);
  for (const std::string& other :
       {std::string(), "http://" + server.host() + "@" + thief.host() + "/token",
        "http://" + server.host() + "/moved"}) {
    realm = other;
    INFO(realm);
    const ErrorCode code = pulling.error(name);
    CHECK((code == ErrorCode::unauthorized || code == ErrorCode::forbidden));
  }
  CHECK(thief.requests().empty());
}

TEST_CASE("basic credentials answer a basic challenge, of that host only") {
  RegistryServer server([](const ServedRequest& request) -> std::optional<Served> {
    if (request.header("authorization") == "Basic bWU6c2VjcmV0") return std::nullopt;
    return Served{.status = 401, .headers = {{"WWW-Authenticate", "Basic realm=\"x\""}}};
  });
  server.add_model("library/m/latest", {"weights"});
  TransferSettings settings = quick();
  Pulling nobody(settings);
  CHECK(nobody.error(nobody.name(server, "library/m")) == ErrorCode::unauthorized);
  settings.credentials["other.example"] = {"me", "secret", ""};
  Pulling somebody_else(settings);
  CHECK(somebody_else.error(somebody_else.name(server, "library/m")) == ErrorCode::unauthorized);
  settings.credentials[server.host()] = {"me", "secret", ""};
  Pulling me(settings);
  me.pull(me.name(server, "library/m"));
  settings.credentials[server.host()] = {"me", "wrong", ""};
  Pulling forgetful(settings);
  CHECK(forgetful.error(forgetful.name(server, "library/m")) == ErrorCode::unauthorized);
}

// CVE-2024-37032, CVE-2025-1975, CVE-2026-15685, CVE-2026-7020, #13223.
TEST_CASE("digests that are none are refused before anything is made of them") {
  RegistryServer server;
  Pulling pulling;
  const ModelName name = pulling.name(server, "library/m");
  const std::string good = server.add_blob("good");
  for (const char* wrong : {"", "x", "sha256:a", "sha256:", "../../x",
                            "sha256:../../../../../../../../../../etc/passwd",
                            "sha256:"
                            "ZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZ"}) {
    for (const char* place : {"model", "tensor"}) {
      server.add_manifest("library/m/latest", "{\"config\":{\"digest\":\"" + good +
                                                  "\",\"size\":4},\"layers\":[{\"mediaType\":"
                                                  "\"application/vnd.ollama.image." +
                                                  place + "\",\"digest\":\"" + wrong +
                                                  "\",\"size\":4}]}");
      INFO(wrong);
      CHECK(pulling.error(name) == ErrorCode::corrupt_data);
      CHECK_THAT(pulling.message, !Catch::Contains(pulling.folder.path().string()));
    }
  }
  CHECK(hearth::testing::file_count(pulling.folder.path() / "blobs") == 0);
}

// CVE-2025-44779: an older manifest of that name is as little trusted as a new one.
TEST_CASE("a damaged manifest that is replaced takes nothing along") {
  RegistryServer server;
  server.add_model("library/m/latest", {"weights"});
  Pulling pulling;
  const ModelName name = pulling.name(server, "library/m");
  hearth::testing::put_file(pulling.folder.path() / "victim", "precious");
  hearth::testing::put_file(pulling.folder.path() / "manifests" / name.relative_path(),
                            R"({"layers":[{"digest":"sha256:../victim","size":8}]})");
  pulling.pull(name);
  CHECK(std::filesystem::exists(pulling.folder.path() / "victim"));
  CHECK(pulling.store.read(name));
}

TEST_CASE("a manifest that changed on the way is asked for again, and never stored") {
  std::string good;
  int broken = 2;
  RegistryServer server([&](const ServedRequest& request) -> std::optional<Served> {
    if (request.target.find("/manifests/") == std::string::npos) return std::nullopt;
    std::string body = good;
    if (broken-- > 0) body[body.size() / 2] ^= 1;
    return Served{.headers = {{"Docker-Content-Digest", digest_of(good)}}, .body = body};
  });
  good = server.add_model("library/m/latest", {"weights", "be kind"});
  Pulling pulling;
  const ModelName name = pulling.name(server, "library/m");
  pulling.puller.pull(name, {.is_insecure = true, .credentials = {}}, ignore);
  CHECK(pulling.store.read(name)->bytes == good);
  broken = 1000;
  CHECK(pulling.error(name) == ErrorCode::corrupt_data);
  CHECK(pulling.store.read(name)->bytes == good);
}

// CVE-2024-12886 and the sizes of what a registry may send.
TEST_CASE("manifests are bounded in every direction") {
  std::string manifest;
  RegistryServer server([&](const ServedRequest& request) -> std::optional<Served> {
    if (request.target.find("/manifests/") == std::string::npos) return std::nullopt;
    return Served{.headers = {{"Content-Encoding", "gzip"}}, .body = manifest};
  });
  Pulling pulling;
  const ModelName name = pulling.name(server, "library/m");
  const std::string layer = "{\"digest\":\"" + digest_of("x") + "\",\"size\":1}";
  manifest = std::string(5 << 20, ' ');
  CHECK(pulling.error(name) == ErrorCode::corrupt_data);
  manifest = std::string("\x1f\x8b\x08\0\0\0\0\0", 8) + std::string(1000, 'z');
  CHECK(pulling.error(name) == ErrorCode::corrupt_data);
  manifest = "{\"layers\":[" + layer;
  for (int i = 0; i < 1100; ++i) manifest += "," + layer;
  manifest += "]}";
  CHECK(pulling.error(name) == ErrorCode::corrupt_data);
  manifest = "{\"layers\":" + std::string(100'000, '[') + std::string(100'000, ']') + "}";
  CHECK(pulling.error(name) == ErrorCode::corrupt_data);
  manifest = "{\"layers\":[{\"digest\":\"" + digest_of("x") + "\",\"size\":18446744073709551615}]}";
  CHECK(pulling.error(name) == ErrorCode::corrupt_data);
  manifest = "{\"layers\":[" + layer + ",{\"digest\":\"" + digest_of("x") + "\",\"size\":2}]}";
  CHECK(pulling.error(name) == ErrorCode::corrupt_data);
  manifest = "{\"layers\":[{\"digest\":\"" + digest_of("x") + "\",\"size\":70000000000000000}]}";
  CHECK(pulling.error(name) == ErrorCode::out_of_memory);  // before the first byte
  CHECK(hearth::testing::file_count(pulling.folder.path() / "blobs") == 0);
}

// #15485, #15504.
TEST_CASE("a wrong blob that the manifest names twice is still wrong") {
  const std::string digest = digest_of("right");
  RegistryServer server([&](const ServedRequest& request) -> std::optional<Served> {
    if (request.target.find("/blobs/") == std::string::npos) return std::nullopt;
    return hearth::testing::serve_range(request, "wrong");
  });
  const std::string entry = "{\"digest\":\"" + digest + "\",\"size\":5}";
  server.add_manifest("library/m/latest",
                      "{\"config\":" + entry + ",\"layers\":[" + entry + "," + entry + "]}");
  Pulling pulling;
  CHECK(pulling.error(pulling.name(server, "library/m")) == ErrorCode::corrupt_data);
  CHECK_FALSE(pulling.store.blobs().has(BlobDigest::parse(digest)));
  CHECK_FALSE(pulling.store.read(pulling.name(server, "library/m")));
}

// CVE-2026-5530.
TEST_CASE("no registry leads to the neighbours of the machine") {
  Pulling pulling;
  CHECK(pulling.error(ModelName::parse("169.254.169.254/library/m")) == ErrorCode::forbidden);
  std::string target;
  RegistryServer server([&](const ServedRequest&) -> std::optional<Served> {
    return Served{.status = 307, .headers = {{"Location", target}}};
  });
  for (const char* place : {"http://169.254.169.254/latest/meta-data/", "http://[fe80::1]/x",
                            "http://[::ffff:169.254.169.254]/x", "file:///etc/passwd"}) {
    target = place;
    INFO(place);
    const ErrorCode code = pulling.error(pulling.name(server, "library/m"));
    CHECK((code == ErrorCode::forbidden || code == ErrorCode::corrupt_data));
  }
  target = "/v2/loop";
  CHECK(pulling.error(pulling.name(server, "library/m")) == ErrorCode::corrupt_data);
}

TEST_CASE("a model that is replaced leaves no blob behind, and says so") {
  RegistryServer server;
  server.add_model("library/m/latest", {"old weights"});
  Pulling pulling;
  const ModelName name = pulling.name(server, "library/m");
  pulling.pull(name);
  server.add_model("library/m/latest", {"new weights"});
  std::vector<std::string> statuses;
  pulling.pull(name, [&](const TransferEvent& event) {
    if (event.digest.empty() && (statuses.empty() || statuses.back() != event.status))
      statuses.push_back(event.status);
  });
  CHECK(statuses == std::vector<std::string>{"pulling manifest", "verifying sha256 digest",
                                             "writing manifest", "removing unused layers",
                                             "success"});
  CHECK_FALSE(pulling.store.blobs().has(BlobDigest::parse(digest_of("old weights"))));
  CHECK(pulling.store.blobs().has(BlobDigest::parse(digest_of("new weights"))));
}

TEST_CASE("one blob comes without its model, from any name that its registry has") {
  RegistryServer server([&](const ServedRequest& request) -> std::optional<Served> {
    if (request.target.starts_with("/token")) return Served{.body = R"({"token":"good"})"};
    if (request.header("authorization") == "Bearer good") return std::nullopt;
    return challenge("/token");
  });
  server.add_model("library/m/latest", {"weights"});
  Pulling pulling;
  const ModelName name = pulling.name(server, "library/m:whatever");
  const Layer blob{"", BlobDigest::parse(digest_of("weights")), 7, "", ""};
  std::vector<TransferEvent> events;
  pulling.puller.pull_blob(name, blob, {.is_insecure = true},
                           [&](const TransferEvent& event) { events.push_back(event); });
  CHECK(pulling.store.blobs().read(blob.digest) == "weights");
  CHECK(events.back().completed_bytes == 7);
  CHECK_FALSE(pulling.store.read(name));
  const Layer none{"", BlobDigest::parse(digest_of("none")), 4, "", ""};
  CHECK_THROWS_AS(pulling.puller.pull_blob(name, none, {.is_insecure = true}, ignore), Error);
  const Layer huge{"", BlobDigest::parse(digest_of("huge")), uint64_t{1} << 55, "", ""};
  CHECK_THROWS_WITH(pulling.puller.pull_blob(name, huge, {.is_insecure = true}, ignore),
                    Catch::Contains("not enough disk space"));
}

TEST_CASE("a pull keeps to the limit that it was given") {
  RegistryServer server;
  server.add_model("library/m/latest", {std::string(600'000, 'w')});
  Pulling pulling;
  const auto start = std::chrono::steady_clock::now();
  pulling.puller.pull(pulling.name(server, "library/m"),
                      {.is_insecure = true, .credentials = {}, .bytes_per_second = 1'000'000},
                      ignore);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  CHECK(took.count() > 0.3);
  CHECK(took.count() < 3);
}
