// What names of files say.
#include "registry/file_names.h"

#include <catch2/catch.hpp>

using namespace hearth::registry;

TEST_CASE("names end in their quantisation") {
  struct Row {
    const char* file;
    const char* base;
    const char* quantization;
  };
  const Row rows[] = {
      {"Llama-3.2-1B-Instruct-Q4_K_M.gguf", "Llama-3.2-1B-Instruct", "Q4_K_M"},
      {"mistral-7b-v0.1.Q5_K_S.gguf", "mistral-7b-v0.1", "Q5_K_S"},
      {"qwen2.5-0.5b-instruct-q8_0.GGUF", "qwen2.5-0.5b-instruct", "q8_0"},
      {"phi-2_IQ3_XXS.gguf", "phi-2", "IQ3_XXS"},
      {"Qwen3-8B-UD-Q4_K_XL.gguf", "Qwen3-8B", "UD-Q4_K_XL"},
      {"llama-8b-Q4_0_4_4.gguf", "llama-8b", "Q4_0_4_4"},
      {"ggml-model-f16.gguf", "ggml-model", "f16"},
      {"gpt-oss-20b-mxfp4.gguf", "gpt-oss-20b", "mxfp4"},
      {"big-TQ1_0-00001-of-00003.gguf", "big", "TQ1_0"},
      {"stories260K.gguf", "stories260K", ""},
      {"Qwen3-8B.gguf", "Qwen3-8B", ""},
      {"q8_0.gguf", "", "q8_0"},
      {"mmproj-model-f16.gguf", "model", "f16"},
      {"mmproj-Qwen2.5-VL-7B-Instruct-bf16.gguf", "Qwen2.5-VL-7B-Instruct", "bf16"},
      {"gemma-3-4b-it.mmproj-Q8_0.gguf", "gemma-3-4b-it", "Q8_0"},
      {"mmproj-F16.gguf", "", "F16"},
      {"a-q4_.gguf", "a-q4_", ""},
      {"a-q9_0.gguf", "a-q9_0", ""},
      {"a-q4_abcd.gguf", "a-q4_abcd", ""},
      {".gguf", ".gguf", ""},
  };
  for (const Row& row : rows) {
    INFO(row.file);
    CHECK(file_label(row.file).base == row.base);
    CHECK(file_label(row.file).quantization == row.quantization);
  }
}

TEST_CASE("names of parts") {
  const auto part = part_name("a-b-00002-of-00010.gguf");
  REQUIRE(part);
  CHECK(part->whole == "a-b-of-00010.gguf");
  CHECK(part->number == 2);
  CHECK(part->count == 10);
  for (const char* name : {"a.gguf", "a-00000-of-00002.gguf", "a-1-of-2.gguf", "-of-.gguf",
                           "00001-of-00002.gguf", "a-00001-of-00002.bin", ""})
    CHECK_FALSE(part_name(name));
  CHECK(names_projector("x.MMProj-f16.gguf"));
  CHECK_FALSE(names_projector("model.gguf"));
}

TEST_CASE("anything becomes a part of a valid name") {
  for (const std::string& text :
       {std::string(), std::string("..."), std::string("a b/c"), std::string(200, 'x'),
        std::string("\xC3\xA4"), std::string("-x"), std::string("_x")}) {
    INFO(text);
    ModelName name;
    name.model = name_part(text);
    name.namespace_ = namespace_part(text + ".x");
    name.tag = name_part(text);
    CHECK(ModelName::try_parse(name.full()));
  }
  CHECK(name_part("Qwen2.5 VL") == "Qwen2.5-VL");
  CHECK(namespace_part("lmstudio.ai") == "lmstudio-ai");
}
