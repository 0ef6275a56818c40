// Names, manifests and blobs together: list, open, write over, copy, remove.
#include "registry/model_store.h"

#include <catch2/catch.hpp>
#include <thread>

#include "base/error.h"
#include "base/log.h"
#include "tests/registry/temporary_folder.h"

using namespace hearth::registry;
using hearth::Error;
using hearth::ErrorCode;
using hearth::testing::file_count;
using hearth::testing::put_file;
using hearth::testing::TemporaryFolder;

namespace {

Layer layer_of(ModelStore& store, std::string_view kind, std::string_view content) {
  const StoredBlob blob = store.blobs().write(content);
  return Layer{std::string(kind), blob.digest, blob.size_bytes, "", ""};
}

// A model of weights, a system text and a config.
Manifest store_model(ModelStore& store, const char* name, std::string_view weights,
                     std::string_view system) {
  Manifest manifest;
  manifest.config = layer_of(store, media_type::config, print_model_config({}));
  manifest.layers.push_back(layer_of(store, media_type::model, weights));
  manifest.layers.push_back(layer_of(store, media_type::system, system));
  store.write(ModelName::parse(name), print_manifest(manifest));
  return manifest;
}

ErrorCode code_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.code();
  }
  FAIL("expected an error");
  return {};
}

}  // namespace

TEST_CASE("a stored model opens with all its parts") {
  TemporaryFolder folder;
  ModelStore store(folder.path());
  Manifest manifest;
  manifest.config = layer_of(store, media_type::config, R"({"model_family":"llama"})");
  manifest.layers.push_back(layer_of(store, media_type::model, "weights"));
  manifest.layers[0].from = "base:latest";
  manifest.layers.push_back(layer_of(store, media_type::prompt, "{{ .Prompt }}"));
  manifest.layers.push_back(layer_of(store, media_type::params, R"({"top_k":5})"));
  manifest.layers.push_back(layer_of(store, media_type::license, "one"));
  manifest.layers.push_back(layer_of(store, media_type::license, "two"));
  manifest.layers.push_back(layer_of(store, "application/vnd.ollama.image.embed", "ignored"));
  store.write(ModelName::parse("user/m:1"), print_manifest(manifest));

  const StoredModel model = store.open(ModelName::parse("USER/M:1"));
  CHECK(model.stored.name.display() == "user/m:1");
  CHECK(model.config.model_family == "llama");
  CHECK(model.model_path == store.blobs().path(manifest.layers[0].digest));
  CHECK(model.parent_model == "base:latest");
  CHECK(model.template_text == "{{ .Prompt }}");
  CHECK(model.params_json == R"({"top_k":5})");
  CHECK(model.licenses == std::vector<std::string>{"one", "two"});
  CHECK_FALSE(model.system);
  CHECK(model.stored.bytes == print_manifest(manifest));
  CHECK(model.stored.digest_hex.size() == 64);
  CHECK(std::filesystem::exists(folder.path() / "manifests/registry.ollama.ai/user/m/1"));
}

TEST_CASE("the list is newest first and one damaged manifest hides nothing") {
  hearth::log::start("test", hearth::log::Level::off);
  TemporaryFolder folder;
  ModelStore store(folder.path());
  CHECK(store.list().empty());
  store_model(store, "old", "w1", "s");
  store_model(store, "new", "w2", "s");
  const auto manifests = folder.path() / "manifests/registry.ollama.ai/library";
  std::filesystem::last_write_time(
      manifests / "old/latest",
      std::filesystem::file_time_type::clock::now() - std::chrono::hours(1));
  put_file(manifests / "bad/latest", "{");
  put_file(manifests / "old/.DS_Store", "x");
  put_file(folder.path() / "manifests/stray", "x");
  const auto models = store.list();
  REQUIRE(models.size() == 2);
  CHECK(models[0].name.display() == "new:latest");
  CHECK(models[1].name.display() == "old:latest");
  CHECK(models[0].modified_at > models[1].modified_at);
  CHECK(code_of([&] { store.read(ModelName::parse("bad")); }) == ErrorCode::corrupt_data);
}

TEST_CASE("absent models are absent") {
  TemporaryFolder folder;
  ModelStore store(folder.path());
  const ModelName name = ModelName::parse("nobody");
  CHECK_FALSE(store.read(name));
  CHECK_FALSE(store.resolve(name));
  CHECK(code_of([&] { store.open(name); }) == ErrorCode::not_found);
  CHECK(code_of([&] { store.remove(name); }) == ErrorCode::not_found);
  CHECK(code_of([&] { store.copy(name, ModelName::parse("b")); }) == ErrorCode::not_found);
  CHECK_FALSE(std::filesystem::exists(folder.path() / "manifests/registry.ollama.ai"));
}

TEST_CASE("removing a model keeps what others use") {
  TemporaryFolder folder;
  ModelStore store(folder.path());
  const Manifest a = store_model(store, "a", "weights", "system a");
  const Manifest b = store_model(store, "other.host/ns/b", "weights", "system b");
  store.remove(ModelName::parse("other.host/NS/b"));
  CHECK(store.blobs().has(a.layers[0].digest));
  CHECK(store.blobs().has(a.layers[1].digest));
  CHECK_FALSE(store.blobs().has(b.layers[1].digest));
  CHECK_FALSE(std::filesystem::exists(folder.path() / "manifests/other.host"));
  store.remove(ModelName::parse("a"));
  CHECK(file_count(folder.path() / "blobs") == 0);
}

TEST_CASE("a copy shares its blobs") {
  TemporaryFolder folder;
  ModelStore store(folder.path());
  const Manifest a = store_model(store, "a", "weights", "system");
  store.copy(ModelName::parse("a"), ModelName::parse("b:2"));
  store.copy(ModelName::parse("a"), ModelName::parse("A"));
  CHECK(store.list().size() == 2);
  CHECK(store.read(ModelName::parse("a"))->digest_hex ==
        store.read(ModelName::parse("b:2"))->digest_hex);
  store.remove(ModelName::parse("a"));
  CHECK(store.blobs().has(a.layers[0].digest));
  CHECK(store.open(ModelName::parse("b:2")).system == "system");
}

TEST_CASE("writing over a model removes what it alone used and keeps pinned blobs") {
  TemporaryFolder folder;
  ModelStore store(folder.path());
  const Manifest first = store_model(store, "a", "weights", "first");
  const BlobPin pin = store.blobs().pin(first.layers[0].digest);
  const Manifest second = store_model(store, "A", "other weights", "second");
  CHECK(store.list().size() == 1);
  CHECK(store.blobs().has(first.layers[0].digest));
  CHECK_FALSE(store.blobs().has(first.layers[1].digest));
  CHECK(store.open(ModelName::parse("a")).system == "second");
}

TEST_CASE("a manifest whose blobs are not there is not stored") {
  TemporaryFolder folder;
  ModelStore store(folder.path());
  Manifest manifest;
  manifest.layers.push_back(
      {std::string(media_type::model), BlobDigest::from_hex(std::string(64, 'a')), 5, "", ""});
  CHECK(code_of([&] { store.write(ModelName::parse("a"), print_manifest(manifest)); }) ==
        ErrorCode::invalid_argument);
  CHECK(code_of([&] { store.write(ModelName::parse("a"), "{"); }) == ErrorCode::corrupt_data);
  CHECK(store.list().empty());
}

TEST_CASE("a model whose weights are gone or cut says so") {
  TemporaryFolder folder;
  ModelStore store(folder.path());
  const Manifest manifest = store_model(store, "a", "weights", "system");
  put_file(store.blobs().path(manifest.layers[0].digest), "weig");
  CHECK(code_of([&] { store.open(ModelName::parse("a")); }) == ErrorCode::corrupt_data);
  std::filesystem::remove(store.blobs().path(manifest.layers[0].digest));
  CHECK(code_of([&] { store.open(ModelName::parse("a")); }) == ErrorCode::corrupt_data);
  CHECK(store.list().size() == 1);
}

TEST_CASE("models of another store are listed and used, and never changed") {
  TemporaryFolder folder;
  const auto theirs = folder.path() / "ollama";
  Manifest far;
  Manifest both;
  {
    ModelStore other(theirs);
    far = store_model(other, "user/far", "far weights", "far system");
    both = store_model(other, "both", "their weights", "theirs");
  }
  ModelStore store(folder.path() / "ours", {.prunes = true, .readonly_roots = {theirs}});
  store_model(store, "BOTH", "our weights", "ours");
  CHECK(store.list().size() == 2);
  CHECK(store.open(ModelName::parse("both")).system == "ours");
  const StoredModel model = store.open(ModelName::parse("USER/far"));
  CHECK(model.system == "far system");
  CHECK_FALSE(model.stored.is_ours);
  CHECK(model.model_path == theirs / "blobs" / far.layers[0].digest.file_name());
  try {
    store.remove(ModelName::parse("user/far"));
    FAIL("expected an error");
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::forbidden);
    CHECK(std::string(error.what()).find(theirs.string()) != std::string::npos);
  }

  SECTION("a copy has its blobs in our store") {
    store.copy(ModelName::parse("user/far"), ModelName::parse("near"));
    std::filesystem::remove_all(theirs);
    CHECK(store.open(ModelName::parse("near")).system == "far system");
    store.remove(ModelName::parse("near"));
    CHECK_FALSE(store.blobs().has(far.layers[0].digest));
  }
  SECTION("a model made of one of theirs has its blobs too") {
    store.write(ModelName::parse("child"), print_manifest(both));
    std::filesystem::remove_all(theirs);
    CHECK(store.open(ModelName::parse("child")).system == "theirs");
  }
  SECTION("removing ours leaves theirs as it was") {
    store.remove(ModelName::parse("both"));
    CHECK(store.open(ModelName::parse("both")).system == "theirs");
  }
}

TEST_CASE("a blob that was asked for stays until a model refers to it") {
  TemporaryFolder folder;
  ModelStore store(folder.path());
  const Manifest manifest = store_model(store, "a", "weights", "system");
  const BlobDigest& weights = manifest.layers[0].digest;
  REQUIRE(store.blobs().hold(weights, std::chrono::hours(1)));
  CHECK_FALSE(
      store.blobs().hold(BlobDigest::from_hex(std::string(64, 'a')), std::chrono::hours(1)));
  store.remove(ModelName::parse("a"));
  CHECK(store.blobs().has(weights));
  CHECK_FALSE(store.blobs().has(manifest.layers[1].digest));
  Manifest next;
  next.layers.push_back(manifest.layers[0]);
  store.write(ModelName::parse("b"), print_manifest(next));
  store.remove(ModelName::parse("b"));
  CHECK_FALSE(store.blobs().has(weights));
  store_model(store, "a", "weights", "system");
  REQUIRE(store.blobs().hold(weights, std::chrono::seconds(0)));
  store.remove(ModelName::parse("a"));
  CHECK_FALSE(store.blobs().has(weights));
}

TEST_CASE("without pruning a replaced model's blobs stay") {
  TemporaryFolder folder;
  ModelStore store(folder.path(), {.prunes = false, .readonly_roots = {}});
  const Manifest first = store_model(store, "a", "weights", "first");
  store_model(store, "a", "weights", "second");
  CHECK(store.blobs().has(first.layers[1].digest));
}

TEST_CASE("models come and go on several threads") {
  TemporaryFolder folder;
  ModelStore store(folder.path());
  store_model(store, "keep", "weights", "system");
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&store, i] {
      const ModelName name = ModelName::parse("copy" + std::to_string(i));
      for (int round = 0; round < 25; ++round) {
        store.copy(ModelName::parse("keep"), name);
        if (store.open(name).system != "system") std::abort();
        store.list();
        store.remove(name);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(store.list().size() == 1);
  CHECK(store.open(ModelName::parse("keep")).system == "system");
}
