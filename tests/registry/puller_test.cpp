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
using hearth::testing::RegistryServer;
using hearth::testing::TemporaryFolder;

namespace {

const TransferWatcher ignore = [](const TransferEvent&) {};

struct Pulling {
  Pulling() : store(folder.path()), puller(store, {}) {}
  ModelName name(const RegistryServer& server, const std::string& rest) const {
    return ModelName::parse(server.host() + "/" + rest);
  }

  TemporaryFolder folder;
  ModelStore store;
  Puller puller;
};

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
