// Models are found where other programs keep them, with their parts and projectors, and registered
// without a copy.
#include "registry/import_folder.h"

#include <catch2/catch.hpp>
#include <map>

#include "base/error.h"
#include "registry/file_names.h"
#include "tests/registry/stored_models.h"

using namespace hearth::registry;
using hearth::Error;
using hearth::ErrorCode;
using hearth::testing::put_file;
using hearth::testing::store_model;
using hearth::testing::TemporaryFolder;

namespace fs = std::filesystem;

namespace {

// By name, as headers would say.
WeightsKind kind_by_name(const std::vector<fs::path>& parts) {
  const std::string name = parts.front().filename().string();
  if (name.find("broken") != std::string::npos)
    throw Error(ErrorCode::corrupt_data, "is no GGUF file");
  if (name.find("lora") != std::string::npos) return WeightsKind::adapter;
  return names_projector(name) ? WeightsKind::projector : WeightsKind::model;
}

struct Place {
  explicit Place(const std::vector<std::string>& files) {
    for (const std::string& file : files) put_file(folder.path() / file, file);
  }
  FoundModels find(const std::string& below = "") const {
    return find_models(folder.path() / below, kind_by_name);
  }
  // Name to "weights + projector", as file names.
  std::map<std::string, std::string> models(const std::string& below = "") const {
    std::map<std::string, std::string> found;
    for (const FoundModel& model : find(below).models) {
      std::string& text = found[model.name.display()];
      for (const fs::path& part : model.weights)
        text += (text.empty() ? "" : ", ") + part.filename().string();
      if (model.projector) text += " + " + model.projector->filename().string();
    }
    return found;
  }

  TemporaryFolder folder;
};

using Names = std::map<std::string, std::string>;

}  // namespace

TEST_CASE("a folder of files: parts together, projectors beside their models") {
  const Place place({"a-7b-Q4_K_M.gguf", "a-7b-Q8_0.gguf", "mmproj-a-7b-Q8_0.gguf",
                     "mmproj-a-7b-F16.gguf", "b-q4_0-00001-of-00002.gguf",
                     "b-q4_0-00002-of-00002.gguf", "c-00001-of-00002.gguf", "mmproj-other-f16.gguf",
                     "plain.GGUF", "x-lora.gguf", "broken.gguf", "readme.txt",
                     ".hidden/deep.gguf"});
  CHECK(place.models() ==
        Names{{"a-7b:Q4_K_M", "a-7b-Q4_K_M.gguf + mmproj-a-7b-F16.gguf"},
              {"a-7b:Q8_0", "a-7b-Q8_0.gguf + mmproj-a-7b-F16.gguf"},
              {"b:q4_0", "b-q4_0-00001-of-00002.gguf, b-q4_0-00002-of-00002.gguf"},
              {"plain:latest", "plain.GGUF"},
              {"deep:latest", "deep.gguf"}});
  std::map<std::string, std::string> reasons;
  for (const LeftOut& left : place.find().left_out)
    reasons[left.file.filename().string()] = left.reason;
  CHECK(reasons.size() == 4);
  CHECK(reasons["c-00001-of-00002.gguf"] == "part 2 of 2 is missing");
  CHECK(reasons["mmproj-other-f16.gguf"].find("projector") != std::string::npos);
  CHECK(reasons["x-lora.gguf"].find("adapter") != std::string::npos);
  CHECK(reasons["broken.gguf"] == "is no GGUF file");
}

TEST_CASE("one file, with its other parts and its projector") {
  const Place place({"m-f16-00001-of-00002.gguf", "m-f16-00002-of-00002.gguf", "n-q8_0.gguf",
                     "mmproj-model-f16.gguf", "mmproj-zzz-f16.gguf"});
  const std::string parts = "m-f16-00001-of-00002.gguf, m-f16-00002-of-00002.gguf";
  CHECK(place.models("m-f16-00002-of-00002.gguf") ==
        Names{{"m:f16", parts + " + mmproj-model-f16.gguf"}});
  CHECK(place.find("n-q8_0.gguf").left_out.empty());
  CHECK_THROWS_WITH(place.find("none.gguf"), Catch::Contains("none.gguf"));
  CHECK_THROWS_AS(place.find("mmproj-zzz-f16.gguf"), Error);
}

TEST_CASE("the tree of LM Studio gives publisher and repository") {
  const Place place({"models/lmstudio-community/Qwen3-8B-GGUF/Qwen3-8B-Q4_K_M.gguf",
                     "models/some.one/vision/vision-Q8_0.gguf",
                     "models/some.one/vision/mmproj-model-f16.gguf"});
  const Names expected = {{"lmstudio-community/Qwen3-8B-GGUF:Q4_K_M", "Qwen3-8B-Q4_K_M.gguf"},
                          {"some-one/vision:Q8_0", "vision-Q8_0.gguf + mmproj-model-f16.gguf"}};
  CHECK(place.models("models") == expected);
  CHECK(place.models("models/") == expected);
  CHECK(place.models("") == expected);
}

TEST_CASE("the cache of Hugging Face: the current revision, under the name of a pull") {
  const Place place({"hub/models--org--repo-GGUF/blobs/aaa", "hub/models--org--repo-GGUF/blobs/bbb",
                     "hub/models--org--old/snapshots/12/old-f32.gguf",
                     "hub/datasets--x--y/z.gguf"});
  const fs::path repository = place.folder.path() / "hub/models--org--repo-GGUF";
  const auto link = [&](const std::string& name, const std::string& blob) {
    fs::create_directories((repository / name).parent_path());
    fs::create_symlink("../../blobs/" + blob, repository / name);
  };
  link("snapshots/0123/repo-Q4_K_M.gguf", "aaa");
  link("snapshots/0123/sub/mmproj-F16.gguf", "nothing");
  link("snapshots/abcd/repo-Q8_0.gguf", "bbb");
  put_file(repository / "refs/main", "0123");
  const Names expected = {{"hf.co/org/repo-GGUF:Q4_K_M", "aaa"},
                          {"hf.co/org/old:f32", "old-f32.gguf"}};
  CHECK(place.models("") == expected);
  CHECK(place.models("hub") == expected);
  const Names current = {{"hf.co/org/repo-GGUF:Q4_K_M", "aaa"}};
  CHECK(place.models("hub/models--org--repo-GGUF") == current);
  CHECK(place.models("hub/models--org--repo-GGUF/snapshots/0123") == current);
  CHECK(place.models("hub/models--org--repo-GGUF/snapshots/0123/repo-Q4_K_M.gguf") == current);
  CHECK(place.models("hub/models--org--repo-GGUF/snapshots/abcd") ==
        Names{{"hf.co/org/repo-GGUF:Q8_0", "bbb"}});
  CHECK(place.find("hub").layout == "Hugging Face cache");
}

TEST_CASE("places without a model say so") {
  const Place place({"empty/readme", "bad/broken.gguf", "weights.bin"});
  CHECK_THROWS_WITH(place.find("empty"), Catch::Contains("no .gguf file"));
  CHECK_THROWS_WITH(place.find("bad"), Catch::Contains("is no GGUF file"));
  CHECK_THROWS_WITH(place.find("weights.bin"), Catch::Contains("only GGUF"));
  CHECK_THROWS_WITH(place.find("nowhere"), Catch::Contains("nowhere"));
}

TEST_CASE("another program's store: manifests as they are, large blobs where they lie") {
  TemporaryFolder folder;
  const fs::path theirs = folder.path() / "theirs/models";
  const std::string large(100'000, 'w');
  std::string hex;
  {
    ModelStore other(theirs);
    hex = store_model(other, "user/m:v1", {large, "small"}).layers[0].digest.hex();
    store_model(other, "bad", {std::string(70'000, 'b')});
    fs::remove(other.blobs().path(other.read(ModelName::parse("bad"))->manifest.layers[0].digest));
  }
  CHECK(find_models(folder.path() / "theirs", kind_by_name).store == theirs);
  // With and without the other store being listed beside ours.
  for (const bool is_listed : {false, true}) {
    ModelStoreOptions options;
    if (is_listed) options.readonly_roots.push_back(theirs);
    ModelStore store(folder.path() / (is_listed ? "beside" : "alone"), options);
    int bad = 0;
    for (const StoredManifest& manifest : store.list_elsewhere(theirs)) {
      if (manifest.name.model == "bad") {
        CHECK_THROWS_AS(import_manifest(store, manifest), Error);
        ++bad;
        continue;
      }
      CHECK(import_manifest(store, manifest) == Imported::added);
      CHECK(import_manifest(store, manifest) == Imported::unchanged);
      const auto stored = store.read(manifest.name);
      CHECK(stored->is_ours);
      CHECK(stored->digest_hex == manifest.digest_hex);
    }
    CHECK(bad == 1);
    const StoredModel model = store.open(ModelName::parse("user/m:v1"));
    CHECK(fs::read_symlink(store.root() / "blobs" / ("sha256-" + hex)) ==
          fs::canonical(theirs / "blobs" / ("sha256-" + hex)));
    store_model(store, "bad", {"ours"});
    CHECK_THROWS_AS(import_manifest(store, store.list_elsewhere(theirs).front().name.model == "bad"
                                               ? store.list_elsewhere(theirs).front()
                                               : store.list_elsewhere(theirs).back()),
                    Error);
    store.remove(ModelName::parse("user/m:v1"));
    CHECK(fs::exists(theirs / "blobs" / ("sha256-" + hex)));
  }
}

TEST_CASE("an import takes the place of an older import only") {
  TemporaryFolder folder;
  ModelStore store(folder.path() / "store");
  const fs::path file = folder.path() / "w.gguf";
  const ModelName name = ModelName::parse("m");
  put_file(file, "weights");
  const StoredBlob blob = store.link_unread_file(file);
  Manifest manifest;
  manifest.layers.push_back({std::string(media_type::model), blob.digest, 7, "", ""});
  store.write(name, print_manifest(manifest));
  CHECK_NOTHROW(check_name_is_free(store, ModelName::parse("other"), {file}));
  CHECK_NOTHROW(check_name_is_free(store, name, {file}));
  CHECK_THROWS_AS(check_name_is_free(store, name, {folder.path() / "v.gguf"}), Error);
  fs::remove(file);
  CHECK_NOTHROW(check_name_is_free(store, name, {folder.path() / "v.gguf"}));
  store_model(store, "m", {"copied"});
  CHECK_THROWS_AS(check_name_is_free(store, name, {file}), Error);
}
