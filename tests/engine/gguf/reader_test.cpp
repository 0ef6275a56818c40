// Reading of real files: the oracle's models and vocabularies, which other programs wrote.
#include "engine/gguf/reader.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <vector>

#include "base/error.h"
#include "engine/gguf/keys.h"
#include "tests/support/shared.h"

using namespace hearth;
using namespace hearth::engine;

namespace {

std::vector<std::filesystem::path> files_below(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.path().extension() == ".gguf") files.push_back(entry.path());
  }
  return files;
}

}  // namespace

TEST_CASE("every model of the oracle opens, and its tensors fill their shapes") {
  const auto folder = testing::shared_path("oracle");
  if (!folder) {
    WARN("skipped: shared data is absent");
    return;
  }
  const auto files = files_below(*folder);
  REQUIRE(files.size() > 100);
  for (const auto& path : files) {
    INFO(path);
    const GgufFile file = GgufFile::open(path);
    CHECK(file.version() == 3);
    CHECK(!file.metadata().require_string(key_architecture).empty());
    for (const TensorInfo& tensor : file.tensors()) {
      CHECK(file.find_tensor(tensor.name) == &tensor);
      CHECK(static_cast<int64_t>(tensor.data.size()) == tensor.size_bytes);
      CHECK(tensor.size_bytes ==
            row_bytes(tensor.type, tensor.shape[0]) * tensor.tensor().row_count());
    }
  }
}

TEST_CASE("metadata is found by key and read leniently") {
  const auto path = testing::shared_path("oracle/archs/llama3.gguf");
  if (!path) {
    WARN("skipped: shared data is absent");
    return;
  }
  const GgufFile file = GgufFile::open(*path);
  const GgufMetadata& metadata = file.metadata();
  CHECK(metadata.require_string(key_architecture) == "llama");
  CHECK(metadata.require_int("llama.block_count") >= 2);
  CHECK(metadata.find_float("llama.block_count") ==
        static_cast<double>(metadata.require_int("llama.block_count")));
  CHECK(metadata.find_ints_per_layer("llama.attention.head_count_kv", 3)->size() == 3);
  CHECK(!metadata.find_int("llama.no_such_key"));
  CHECK(!metadata.require_strings(key_tokenizer_tokens).empty());
  CHECK_THROWS_WITH(metadata.require_int("llama.no_such_key"),
                    Catch::Contains("llama.no_such_key is missing"));
  CHECK_THROWS_WITH(metadata.find_int(key_architecture),
                    Catch::Contains("general.architecture is string"));
}
