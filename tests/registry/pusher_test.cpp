// A model from the store to a registry.
#include "registry/pusher.h"

#include <catch2/catch.hpp>

#include "base/error.h"
#include "registry/puller.h"
#include "tests/registry/temporary_folder.h"
#include "tests/support/registry_server.h"

using namespace hearth::registry;
using hearth::testing::digest_of;
using hearth::testing::RegistryServer;
using hearth::testing::TemporaryFolder;

namespace {

const TransferWatcher ignore = [](const TransferEvent&) {};

}  // namespace

TEST_CASE("a pushed model is byte for byte what was pulled") {
  RegistryServer first;
  RegistryServer second;
  const std::string weights(2'000'000, 'w');
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
