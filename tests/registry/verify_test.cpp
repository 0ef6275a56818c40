// Every byte is read again, and what is wrong is named with the models it belongs to.
#include "registry/verify.h"

#include <catch2/catch.hpp>
#include <map>

#include "base/error.h"
#include "tests/registry/stored_models.h"

using namespace hearth::registry;
using hearth::Error;
using hearth::ErrorCode;
using hearth::testing::put_file;
using hearth::testing::store_model;
using hearth::testing::TemporaryFolder;

namespace fs = std::filesystem;

namespace {

std::map<std::string, BlobFinding> by_digest(const std::vector<BlobFinding>& findings) {
  std::map<std::string, BlobFinding> map;
  for (const BlobFinding& finding : findings) map.emplace(finding.digest.hex(), finding);
  return map;
}

}  // namespace

TEST_CASE("what is damaged, missing and moved is found, and nothing else") {
  TemporaryFolder folder;
  ModelStore store(folder.path() / "store");
  const fs::path blobs = folder.path() / "store/blobs";
  const Manifest a = store_model(store, "a", {"good", "flipped", "short", "gone"});
  const Manifest b = store_model(store, "user/b:v1", {"flipped"});
  const std::string flipped = a.layers[1].digest.hex();
  put_file(blobs / a.layers[1].digest.file_name(), "flippee");
  put_file(blobs / a.layers[2].digest.file_name(), "sho");
  fs::remove(blobs / a.layers[3].digest.file_name());
  put_file(folder.path() / "weights", "elsewhere");
  const StoredBlob linked = store.link_file(folder.path() / "weights", {});
  fs::remove(folder.path() / "weights");
  put_file(blobs / ("sha256-" + std::string(64, '1')), "of no model, and wrong");

  uint64_t last = 0, total = 0;
  const auto findings =
      verify(store, {.model = {}, .threads = 3}, [&](uint64_t done, uint64_t all) {
        CHECK(done >= last);
        last = done;
        total = all;
      });
  CHECK(last == total);
  CHECK(findings.size() == 7);
  const auto found = by_digest(findings);
  CHECK(found.at(a.layers[0].digest.hex()).health == BlobHealth::good);
  CHECK(found.at(flipped).health == BlobHealth::damaged);
  CHECK(found.at(flipped).models == std::vector<std::string>{"user/b:v1", "a:latest"});
  CHECK(found.at(flipped).ours.size() == 2);
  CHECK(found.at(flipped).detail.find("has the content of sha256:") == 0);
  CHECK(found.at(a.layers[2].digest.hex()).detail == "has 3 bytes, expected 5");
  CHECK(found.at(a.layers[3].digest.hex()).health == BlobHealth::missing);
  CHECK(found.at(linked.digest.hex()).health == BlobHealth::moved);
  CHECK(found.at(std::string(64, '1')).health == BlobHealth::damaged);
  CHECK(found.at(std::string(64, '1')).models.empty());
  CHECK(findings.back().health == BlobHealth::good);

  const auto of_b = verify(store, {.model = ModelName::parse("USER/b:v1"), .threads = 1}, {});
  CHECK(of_b.size() == 2);
  CHECK(of_b.front().digest == b.layers[0].digest);
  CHECK_THROWS_AS(verify(store, {.model = ModelName::parse("nobody"), .threads = 1}, {}), Error);
}

TEST_CASE("verifying stops when it is told to") {
  TemporaryFolder folder;
  ModelStore store(folder.path());
  store_model(store, "a", {std::string(size_t{64} << 20, 'x')});
  const auto stop = [](uint64_t, uint64_t) { throw Error(ErrorCode::cancelled, "enough"); };
  CHECK_THROWS_WITH(verify(store, {.model = {}, .threads = 2}, stop), "enough");
}

TEST_CASE("a damaged blob is set aside, and comes back when no better one does") {
  TemporaryFolder folder;
  ModelStore store(folder.path());
  const BlobDigest digest = store_model(store, "a", {"weights"}).layers[0].digest;
  put_file(store.blobs().path(digest), "damaged");
  store.set_aside(digest);
  CHECK_FALSE(store.blobs().has(digest));
  store.put_back(digest);
  CHECK(store.blobs().read(digest) == "damaged");
  store.set_aside(digest);
  store.blobs().write("weights");
  store.put_back(digest);
  CHECK(store.blobs().read(digest) == "weights");
}
