#include "engine/model_info_json.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "engine/gguf/keys.h"
#include "engine/gguf/writer.h"
#include "tests/support/gguf_files.h"

using namespace hearth;
using namespace hearth::engine;

namespace {

nlohmann::json metadata_of(const GgufWriter& writer, MetadataArrays arrays) {
  const UniqueFd fd = testing::memory_file(writer.file_bytes());
  const int fds[] = {fd.get()};
  return read_model_metadata(fds, "test.gguf", arrays);
}

}  // namespace

TEST_CASE("metadata becomes JSON as /api/show presents it") {
  GgufWriter writer;
  writer.add(key_architecture, "llama");
  writer.add(key_name, "left out");
  writer.add(key_chat_template, "left out");
  writer.add("llama.attention.layer_norm_rms_epsilon", 1e-5f);
  writer.add("llama.wide", 0.1);
  writer.add("big", UINT64_MAX);
  writer.add("flag", true);
  writer.add("odd \xff text", "\xc3(");
  writer.add_strings(key_tokenizer_tokens, std::vector<std::string>{"a", "\x80"});
  writer.add_array("scores", std::vector<float>{0.1f, -1.0f});
  const std::vector<std::byte> data(12);
  const int64_t shape[] = {3};
  writer.add_tensor("t", DType::f32, shape, data);

  const auto brief = metadata_of(writer, MetadataArrays::omitted);
  CHECK(brief["general.architecture"] == "llama");
  CHECK(!brief.contains("general.name"));
  CHECK(!brief.contains("tokenizer.chat_template"));
  CHECK(brief["general.parameter_count"] == 3);
  CHECK(brief["tokenizer.ggml.tokens"].is_null());
  CHECK(brief["llama.attention.layer_norm_rms_epsilon"].dump() == "1e-05");
  CHECK(brief["llama.wide"].dump() == "0.1");
  CHECK(brief["big"].dump() == "18446744073709551615");
  CHECK(brief["flag"] == true);
  CHECK_NOTHROW(brief.dump());

  const auto full = metadata_of(writer, MetadataArrays::full);
  CHECK(full["scores"].dump() == "[0.1,-1.0]");
  CHECK(full["tokenizer.ggml.tokens"].size() == 2);
  CHECK_NOTHROW(full.dump());
}
