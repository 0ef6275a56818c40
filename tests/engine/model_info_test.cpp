#include "engine/model_info.h"

#include <catch2/catch.hpp>

#include "base/error.h"
#include "engine/gguf/keys.h"
#include "engine/gguf/writer.h"
#include "tests/support/gguf_files.h"
#include "tests/support/shared.h"

using namespace hearth;
using namespace hearth::engine;

namespace {

ModelInfo info_of(const GgufWriter& writer) {
  const UniqueFd fd = testing::memory_file(writer.file_bytes());
  const int fds[] = {fd.get()};
  return read_model_info(fds, "test.gguf");
}

}  // namespace

TEST_CASE("a header says what a model is") {
  GgufWriter writer;
  writer.add(key_architecture, "llama");
  writer.add(key_name, "Tiny");
  writer.add(key_file_type, uint32_t{15});
  writer.add("llama.block_count", uint32_t{2});
  writer.add("llama.context_length", uint32_t{4096});
  writer.add("llama.embedding_length", uint64_t{64});
  writer.add_array("llama.feed_forward_length", std::vector<int32_t>{128, 96});
  writer.add("llama.attention.head_count", uint32_t{4});
  writer.add("llama.attention.head_count_kv", uint32_t{2});
  writer.add_strings(key_tokenizer_tokens, std::vector<std::string>{"<unk>", "<s>", "</s>"});
  writer.add_array(key_tokenizer_token_type, std::vector<int32_t>{2, 3, 4});
  writer.add(key_tokenizer_bos_id, uint32_t{1});
  writer.add(key_tokenizer_eos_id, uint32_t{99});
  writer.add(key_tokenizer_add_bos, true);
  writer.add(key_chat_template, "{{ messages }}");
  writer.add("tokenizer.chat_template.tool_use", "{{ tools }}");
  const std::vector<std::byte> data(256 * 2 * 4);
  const int64_t wide[] = {256, 2};
  writer.add_tensor("output.weight", DType::q4_k, wide, std::span(data).first(288));
  writer.add_tensor("output_norm.weight", DType::f32, std::span(wide).first(1),
                    std::span(data).first(1024));

  const ModelInfo model = info_of(writer);
  CHECK(model.architecture == "llama");
  CHECK(model.name == "Tiny");
  CHECK(model.file_type == "Q4_K_M");
  CHECK(model.majority_type == "Q4_K");
  CHECK(model.parameter_count == 512 + 256);
  CHECK(model.tensor_bytes == 288 + 1024);
  CHECK(model.context_length == 4096);
  CHECK(model.block_count() == 2);
  CHECK(model.feed_forward_length == 128);
  CHECK(model.head_count == 4);
  CHECK(model.layers[1].kv_heads == 2);
  CHECK(model.layers[1].key_dim == 16);
  CHECK(model.vocab_size == 3);
  CHECK(model.bos_token == "<s>");
  CHECK(model.eos_token.empty());
  CHECK(model.special_tokens == std::vector<std::string>{"<s>", "</s>"});
  CHECK(model.add_bos == true);
  CHECK(!model.add_eos);
  CHECK(model.chat_template == "{{ messages }}");
  REQUIRE(model.named_chat_templates.size() == 1);
  CHECK(model.named_chat_templates[0].first == "tool_use");
  CHECK(!model.is_embedding);
  REQUIRE(model.tensors.size() == 2);
  CHECK(model.tensors[0].type == "Q4_K");
  CHECK(model.tensors[0].shape == std::vector<int64_t>{256, 2});
  CHECK(model.tensors[1].shape == std::vector<int64_t>{256});
  CHECK(cache_value_count(model, 10) == 2 * 2 * (16 + 16) * 10);
}

TEST_CASE("windows follow the architecture or the file's own pattern") {
  GgufWriter writer;
  writer.add(key_architecture, "gemma3");
  writer.add("gemma3.block_count", uint32_t{7});
  writer.add("gemma3.attention.head_count", uint32_t{4});
  writer.add("gemma3.attention.head_count_kv", uint32_t{1});
  writer.add("gemma3.attention.key_length", uint32_t{256});
  writer.add("gemma3.attention.value_length", uint32_t{256});
  writer.add("gemma3.attention.sliding_window", uint32_t{512});
  const ModelInfo model = info_of(writer);
  REQUIRE(model.block_count() == 7);
  CHECK(model.layers[4].window == 512);
  CHECK(model.layers[5].window == 0);
  CHECK(cache_value_count(model, 1000) == 512 * (6 * 512 + 1000));

  writer.add_array("gemma3.attention.sliding_window_pattern",
                   std::vector<uint8_t>{0, 1, 1, 0, 0, 0, 0});
  CHECK(info_of(writer).layers[0].window == 0);
  CHECK(info_of(writer).layers[1].window == 512);
}

TEST_CASE("a window that the architecture does not use is ignored") {
  GgufWriter writer;
  writer.add(key_architecture, "llama");
  writer.add("llama.block_count", uint32_t{1});
  writer.add("llama.attention.sliding_window", uint32_t{4096});
  CHECK(info_of(writer).layers[0].window == 0);
}

TEST_CASE("numbers beyond any model are refused by name") {
  GgufWriter writer;
  writer.add(key_architecture, "llama");
  SECTION("too many layers") {
    writer.add("llama.block_count", uint64_t{1} << 60);
    CHECK_THROWS_WITH(
        info_of(writer),
        Catch::Contains("llama.block_count is 1152921504606846976, expected 0 to 4096"));
  }
  SECTION("negative") {
    writer.add("llama.embedding_length", int32_t{-1});
    CHECK_THROWS_WITH(info_of(writer), Catch::Contains("llama.embedding_length is -1"));
  }
  SECTION("too few values for the layers") {
    writer.add("llama.block_count", uint32_t{3});
    writer.add_array("llama.attention.head_count_kv", std::vector<uint32_t>{1, 1});
    CHECK_THROWS_WITH(info_of(writer), Catch::Contains("llama.attention.head_count_kv"));
  }
}

TEST_CASE("an embedding model and a file without anything are told apart") {
  GgufWriter writer;
  CHECK(info_of(writer).architecture.empty());
  writer.add(key_architecture, "bert");
  writer.add("bert.pooling_type", uint32_t{1});
  CHECK(info_of(writer).is_embedding);
}

TEST_CASE("every model of the oracle has an info that fits its name") {
  const auto folder = testing::shared_path("oracle");
  if (!folder) {
    WARN("skipped: shared data is absent");
    return;
  }
  const ModelInfo gemma = read_model_info(*folder / "archs/gemma3.gguf");
  CHECK(gemma.architecture == "gemma3");
  CHECK(gemma.layers.front().window > 0);
  CHECK(gemma.layers.back().window >= 0);
  CHECK(read_model_info(*folder / "quantized-models/llama.Q4_K_M.gguf").file_type == "Q4_K_M");
  for (const auto& entry : std::filesystem::directory_iterator(*folder / "archs")) {
    if (entry.path().extension() != ".gguf") continue;
    INFO(entry.path());
    const ModelInfo model = read_model_info(entry.path());
    CHECK(model.block_count() > 0);
    CHECK(model.parameter_count > 0);
    CHECK(model.vocab_size > 0);
    CHECK(model.majority_type == "F32");
  }
}
