// Embedding models and rerankers against independent results: the rows of every token and the
// pooled vectors, on every kernel table, alone and among others.
#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>
#include <string>

#include "base/file.h"
#include "engine/embedding.h"
#include "engine/gguf/reader.h"
#include "tests/support/kernel_tables.h"
#include "tests/support/shared.h"

namespace hearth::testing {
namespace {

using engine::TokenId;

std::vector<float> read_floats(const std::filesystem::path& path) {
  const std::string bytes = read_file(path);
  std::vector<float> values(bytes.size() / sizeof(float));
  std::memcpy(values.data(), bytes.data(), values.size() * sizeof(float));
  return values;
}

struct Difference {
  double largest = 0;
  double rms = 0;
};

Difference difference_of(std::span<const float> got, std::span<const float> expected) {
  REQUIRE(got.size() == expected.size());
  Difference difference;
  for (size_t i = 0; i < got.size(); ++i) {
    const double d = std::abs(static_cast<double>(got[i]) - expected[i]);
    difference.largest = d <= difference.largest ? difference.largest : d;
    difference.rms += d * d;
  }
  difference.rms = std::sqrt(difference.rms / static_cast<double>(got.size()));
  return difference;
}

void check_entry(const std::filesystem::path& folder, const std::string& name) {
  const nlohmann::json json = nlohmann::json::parse(read_file(folder / (name + ".json")));
  const std::vector<float> rows = read_floats(folder / json.at("output").get<std::string>());
  const std::vector<float> pooled =
      read_floats(folder / json.at("pooled").at("file").get<std::string>());
  const auto pooled_width = json.at("pooled").at("cols").get<size_t>();
  const double most = json.at("tolerance").at("f32").at("max").get<double>();
  const double rms = json.at("tolerance").at("f32").at("rms").get<double>();
  const engine::GgufFile file = engine::GgufFile::open(folder / (name + ".gguf"));
  std::vector<std::vector<TokenId>> inputs;
  for (const nlohmann::json& prompt : json.at("prompts"))
    inputs.push_back(prompt.at("tokens").get<std::vector<TokenId>>());
  std::vector<engine::EmbeddedInput> first;
  for (const engine::KernelTable* kernels : tables()) {
    INFO(name << ", " << kernels->name);
    engine::EmbeddingOptions options;
    options.kernels = kernels;
    options.threads = 2;
    options.kv_type = engine::KvType::f32;
    options.with_rows = true;
    // Both inputs together.
    const std::vector<engine::EmbeddedInput> got = engine::embed_inputs(file, inputs, options);
    REQUIRE(got.size() == inputs.size());
    for (size_t i = 0; i < got.size(); ++i) {
      const auto width = json.at("prompts")[i].at("cols").get<size_t>();
      const size_t offset = json.at("prompts")[i].at("offset_bytes").get<size_t>() / sizeof(float);
      const Difference in_rows =
          difference_of(got[i].rows, std::span(rows).subspan(offset, inputs[i].size() * width));
      CHECK(in_rows.largest <= most);
      CHECK(in_rows.rms <= rms);
      const Difference in_pooled =
          difference_of(got[i].vector, std::span(pooled).subspan(i * pooled_width, pooled_width));
      CHECK(in_pooled.largest <= most);
      const std::vector<engine::EmbeddedInput> alone =
          engine::embed_inputs(file, std::span(inputs).subspan(i, 1), options);
      CHECK(alone[0].rows == got[i].rows);
      CHECK(alone[0].vector == got[i].vector);
      if (!first.empty()) CHECK(first[i].rows == got[i].rows);
    }
    first = got;
  }
}

}  // namespace

TEST_CASE("embeddings of every architecture agree with the oracle") {
  const auto folder = shared_path("oracle/archs");
  if (!folder) {
    WARN("skipped: shared data is absent");
    return;
  }
  for (const char* name : {"qwen3-embed", "qwen3-rerank", "bert", "bert-cls", "bert-rank",
                           "nomic-bert", "gemma-embedding"}) {
    check_entry(*folder, name);
  }
}

TEST_CASE("embeddings of a small real model are the known ones") {
  const auto folder = shared_path("data/models/tinystories-656k");
  if (!folder) {
    WARN("skipped: shared data is absent");
    return;
  }
  const nlohmann::json json = nlohmann::json::parse(read_file(*folder / "embeddings.json"));
  const engine::GgufFile file =
      engine::GgufFile::open(*folder / json.at("model").get<std::string>());
  std::vector<std::vector<TokenId>> inputs;
  for (const nlohmann::json& item : json.at("items"))
    inputs.push_back(item.at("tokens").get<std::vector<TokenId>>());
  for (const engine::KernelTable* kernels : tables()) {
    engine::EmbeddingOptions options;
    options.kernels = kernels;
    options.threads = 1;
    options.kv_type = engine::KvType::f32;
    options.normalize = true;
    const std::vector<engine::EmbeddedInput> got = engine::embed_inputs(file, inputs, options);
    for (size_t i = 0; i < got.size(); ++i) {
      INFO(kernels->name << ", input " << i);
      const auto expected = json.at("items")[i].at("embedding").get<std::vector<float>>();
      CHECK(difference_of(got[i].vector, expected).largest <= 2e-6);
    }
  }
}

}  // namespace hearth::testing
