// A model from the store to a registry.
#include "registry/pusher.h"

#include <catch2/catch.hpp>

#include "base/error.h"
#include "registry/puller.h"
#include "tests/registry/temporary_folder.h"
#include "tests/support/registry_server.h"

using namespace hearth::registry;
using hearth::testing::digest_of;
using hearth::testing::HttpServer;
using hearth::testing::RegistryServer;
using hearth::testing::Served;
using hearth::testing::ServedRequest;
using hearth::testing::TemporaryFolder;

namespace {

const TransferWatcher ignore = [](const TransferEvent&) {};
const std::string weights(2'000'000, 'w');

// A model in a store, to be pushed to `host`.
struct Pushing {
  explicit Pushing(const std::string& host, const std::string& from = "")
      : store(folder.path()), name(ModelName::parse(host + "/me/n:q4")) {
    Manifest manifest;
    manifest.config = layer(media_type::config, "{}");
    manifest.layers.push_back(layer(media_type::model, weights));
    manifest.layers[0].from = from;
    bytes = print_manifest(manifest);
    store.write(name, bytes);
    settings.retry_delay = std::chrono::milliseconds(2);
  }
  Layer layer(std::string_view type, const std::string& content) {
    return {std::string(type), store.blobs().write(content).digest, content.size(), "", ""};
  }
  void push() {
    Pusher(store, settings).push(name, {.is_insecure = true, .credentials = {}}, ignore);
  }

  TemporaryFolder folder;
  ModelStore store;
  ModelName name;
  TransferSettings settings;
  std::string bytes;
};

}  // namespace

TEST_CASE("a pushed model is byte for byte what was pulled") {
  RegistryServer first;
  RegistryServer second;
  const std::string manifest = first.add_model("library/m/latest", {weights, "be kind"});
  TemporaryFolder folder;
  ModelStore store(folder.path());
  const ModelName source = ModelName::parse(first.host() + "/library/m");
  const ModelName target = ModelName::parse(second.host() + "/me/n:q4");
  Puller(store, {}).pull(source, {.is_insecure = true, .credentials = {}}, ignore);
  store.copy(source, target);
  std::vector<TransferEvent> events;
  Pusher(store, {}).push(target, {.is_insecure = true, .credentials = {}},
                         [&](const TransferEvent& event) { events.push_back(event); });
  CHECK(second.manifest("me/n/q4") == manifest);
  CHECK(second.blob(digest_of(weights)) == weights);
  CHECK(events.front().status == "retrieving manifest");
  CHECK(events[events.size() - 2].status == "pushing manifest");
  CHECK(events.back().status == "success");
}

TEST_CASE("a part that broke off goes on where the registry stands") {
  RegistryServer server;
  server.cut_uploads(2);
  Pushing pushing(server.host());
  pushing.push();
  CHECK(server.manifest("me/n/q4") == pushing.bytes);
  CHECK(server.blob(digest_of(weights)) == weights);
  std::vector<std::string> ranges;
  for (const ServedRequest& request : server.server().requests())
    if (request.method == "PATCH" && request.body.size() > 2)
      ranges.push_back(request.header("content-range"));
  CHECK(ranges == std::vector<std::string>{"0-1999999", "1000000-1999999", "1500000-1999999"});
}

TEST_CASE("an upload that the registry forgot begins anew") {
  std::atomic<int> forgets{1};
  RegistryServer server([&](const ServedRequest& request) -> std::optional<Served> {
    if (request.method != "PATCH" || request.body.size() < 100 || forgets == 0) return std::nullopt;
    --forgets;
    return Served{.status = 416};
  });
  Pushing pushing(server.host());
  pushing.push();
  CHECK(server.blob(digest_of(weights)) == weights);
}

TEST_CASE("what is there or can be mounted is not sent") {
  RegistryServer* self = nullptr;
  RegistryServer server([&](const ServedRequest& request) -> std::optional<Served> {
    if (request.method != "POST" || request.target.find("?mount=") == std::string::npos)
      return std::nullopt;
    CHECK(request.target.find("mount="
                              "sha256%3A" +
                              digest_of(weights).substr(7) + "&from=me%2Fbase") !=
          std::string::npos);
    self->add_blob(weights);
    return Served{.status = 201};
  });
  self = &server;
  server.add_blob("{}");
  Pushing pushing(server.host(), server.host() + "/me/base:latest");
  pushing.push();
  CHECK(server.manifest("me/n/q4") == pushing.bytes);
  for (const ServedRequest& request : server.server().requests()) CHECK(request.method != "PATCH");
}

TEST_CASE("a part for another host goes there without credentials") {
  std::string stored;
  std::atomic<int> tries{0};
  HttpServer storage([&](const ServedRequest& request) {
    CHECK(request.header("authorization").empty());
    CHECK(request.header("content-range").empty());
    if (++tries == 1) return Served{.status = 503};
    stored += request.body;
    return Served{};
  });
  std::string finished;
  RegistryServer server([&](const ServedRequest& request) -> std::optional<Served> {
    CHECK(request.header("authorization") == "Bearer secret");
    if (request.method == "PATCH" && request.header("x-redirect-uploads") == "1") {
      return Served{.status = 307,
                    .headers = {{"Location", storage.url() + "/part"},
                                {"Docker-Upload-Location", "/v2/me/n/blobs/uploads/next"}}};
    }
    if (request.method != "PUT" || request.target.find("/uploads/next") == std::string::npos)
      return std::nullopt;
    finished = request.target;
    return Served{.status = 201};
  });
  server.add_blob("{}");
  Pushing pushing(server.host());
  pushing.settings.credentials[server.host()] = {"", "", "secret"};
  pushing.push();
  CHECK(stored == weights);
  CHECK_THAT(finished, Catch::Contains("digest=sha256%3A") && Catch::EndsWith("-1"));
}

TEST_CASE("what cannot be pushed") {
  RegistryServer server([](const ServedRequest& request) -> std::optional<Served> {
    if (request.method == "PUT" && request.target.find("/manifests/") != std::string::npos)
      return Served{.status = 403, .body = "not yours"};
    return std::nullopt;
  });
  Pushing pushing(server.host());
  CHECK_THROWS_WITH(pushing.push(), Catch::Contains("not yours"));
  pushing.name.model = "none";
  CHECK_THROWS_WITH(pushing.push(), Catch::Contains("not found"));
  pushing.settings.is_offline = true;
  CHECK_THROWS_WITH(pushing.push(), Catch::Contains("HEARTH_OFFLINE"));
}
