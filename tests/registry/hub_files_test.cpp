// Names of files as repositories really have them, and which of them is chosen.
#include "registry/hub_files.h"

#include <catch2/catch.hpp>

#include "base/error.h"

using namespace hearth;
using namespace hearth::registry;

namespace {

HubFile file(std::string path, uint64_t megabytes) {
  const std::string hex(64, static_cast<char>('a' + path.size() % 6));
  return {std::move(path), megabytes * 1'000'000, BlobDigest::from_hex(hex)};
}

const std::vector<HubFile> usual = {
    file("M-F16.gguf", 16'000),     file("M-Q8_0.gguf", 8'500),
    file("M-Q6_K.gguf", 6'600),     file("M-Q5_K_M.gguf", 5'700),
    file("M-Q5_0.gguf", 5'600),     file("M-Q4_K_M.gguf", 4'900),
    file("M-Q4_0.gguf", 4'700),     file("M-IQ2_M.gguf", 2'900),
    file("M.imatrix.gguf", 5),      file("mmproj-M-BF16.gguf", 800),
    file("mmproj-M-F16.gguf", 800), {"README.md", 9'000, std::nullopt},
};

std::string message_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("hub_files: labels of files") {
  const struct {
    std::string_view path, label;
  } rows[] = {
      {"Llama-3.2-1B-Instruct-Q4_K_M.gguf", "Q4_K_M"},
      {"qwen2.5-0.5b-instruct-q8_0.gguf", "Q8_0"},
      {"tinyllama-1.1b-chat-v1.0.Q4_0.gguf", "Q4_0"},
      {"model_q5_k_s.gguf", "Q5_K_S"},
      {"gemma-3-4b-it-UD-Q4_K_XL.gguf", "UD-Q4_K_XL"},
      {"UD-IQ1_S/DeepSeek-R1-UD-IQ1_S-00001-of-00003.gguf", "UD-IQ1_S"},
      {"BF16/Model-00001-of-00002.gguf", "BF16"},
      {"Model-Q4_0_4_4.gguf", "Q4_0_4_4"},
      {"gpt-oss-20b-mxfp4.gguf", "MXFP4"},
      {"gpt-oss-20b-MXFP4_MOE.gguf", "MXFP4_MOE"},
      {"phi-fp16.gguf", "F16"},
      {"phi.f16.gguf", "F16"},
      {"BitNet-TQ2_0.gguf", "TQ2_0"},
      {"m-IQ3_XXS-imat.gguf", "IQ3_XXS"},
      {"Q8-thing-Q4_K_M.gguf", "Q4_K_M"},
      {"Qwen-1B.gguf", ""},
      {"ggml-model.gguf", ""},
      {"m-Q4_K_Mx.gguf", "Q4_K"},
      {"Q4_K_M.txt", ""},
      {".gguf", ""},
      {"", ""},
  };
  for (const auto& row : rows) {
    CAPTURE(row.path);
    CHECK(quant_label(row.path) == row.label);
  }
}

TEST_CASE("hub_files: parts come together, what is no model stays out") {
  const auto variants = hub_variants({file("b/M-Q8_0-00002-of-00002.gguf", 10),
                                      file("b/M-Q8_0-00001-of-00002.gguf", 10),
                                      file("M-Q4_K_M-00001-of-00002.gguf", 3),
                                      file("M-Q6_K.gguf", 7),
                                      file("old/M-Q6_K.gguf", 8),
                                      file("plain.gguf", 9),
                                      file("mmproj-F16.gguf", 1),
                                      {"M-Q2_K.gguf", 1, std::nullopt}});
  std::vector<std::string> labels;
  for (const HubVariant& variant : variants) labels.push_back(variant.label);
  CHECK(labels == std::vector<std::string>{"Q6_K", "M-Q6_K", "plain", "Q8_0"});
  REQUIRE(variants.back().parts.size() == 2);
  CHECK(variants.back().parts[0].path == "b/M-Q8_0-00001-of-00002.gguf");
  CHECK(variants.back().size_bytes() == 20'000'000);
}

TEST_CASE("hub_files: what a tag means") {
  const auto variants = hub_variants(usual);
  for (std::string_view tag : {"Q4_K_M", "q4_k_m", "M-Q4_K_M", "m-q4_k_m.gguf"}) {
    CAPTURE(tag);
    CHECK(tagged_variant(variants, tag).label == "Q4_K_M");
  }
  const auto others =
      hub_variants({file("a/G-UD-Q4_K_XL-00001-of-00001.gguf", 5), file("G-Q4_K_M.gguf", 4)});
  CHECK(tagged_variant(others, "ud-q4_k_xl").label == "UD-Q4_K_XL");
  CHECK(tagged_variant(others, "Q4_K_XL").label == "UD-Q4_K_XL");
  CHECK(tagged_variant(others, "G-UD-Q4_K_XL-00001-of-00001.gguf").label == "UD-Q4_K_XL");
  for (std::string_view tag : {"Q3_K_M", "K_M_", "4_K_M", "", "_M"}) {
    CAPTURE(tag);
    CHECK_THROWS_AS(tagged_variant(variants, tag), Error);
  }
  CHECK(message_of([&] { tagged_variant(others, "Q2_K"); }) ==
        "the repository has no \"Q2_K\"; there are Q4_K_M (4 MB), UD-Q4_K_XL (5 MB)");
  CHECK(message_of([&] { tagged_variant({}, "Q2_K"); }) == "the repository has no GGUF files");
}

TEST_CASE("hub_files: the best variant for a memory") {
  const auto variants = hub_variants(usual);
  constexpr uint64_t gb = 1'000'000'000;
  const struct {
    uint64_t memory;
    std::string_view label;
  } rows[] = {
      {0, "Q4_K_M"},     {100 * gb, "Q8_0"},  {17 * gb, "Q8_0"},
      {16 * gb, "Q6_K"}, {12 * gb, "Q5_K_M"}, {10 * gb, "Q4_K_M"},
      {6 * gb, "IQ2_M"}, {5 * gb, "IQ2_M"},   {4 * gb, "IQ2_M"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.memory);
    CHECK(best_variant(variants, row.memory).variant.label == row.label);
  }
  CHECK(best_variant(variants, 16 * gb).reason ==
        "Q6_K, 6.6 GB: the largest of 8 variants that leaves half of the 16.0 GB of memory that "
        "models may take");
  CHECK(message_of([&] { best_variant(variants, 3 * gb); }).find("none of the variants fits") == 0);
  CHECK_THROWS_AS(best_variant({}, 3 * gb), Error);
  // Where there is nothing better, what there is.
  const auto plain = hub_variants({file("M-F16.gguf", 2'000), file("M-F32.gguf", 4'000)});
  CHECK(best_variant(plain, 8 * gb).variant.label == "F32");
  CHECK(best_variant(plain, 4 * gb).variant.label == "F16");
  const auto old = hub_variants({file("M-F16.gguf", 2'000), file("M-Q4_0.gguf", 600)});
  CHECK(best_variant(old, 8 * gb).variant.label == "Q4_0");
  const auto tight = hub_variants({file("M-Q4_K_M.gguf", 3'500), file("M-Q5_1.gguf", 3'800)});
  CHECK(best_variant(tight, 5 * gb).variant.label == "Q4_K_M");
  CHECK(best_variant(hub_variants({file("M.gguf", 9'000)}), gb).variant.label == "M");
}

TEST_CASE("hub_files: the projector") {
  CHECK(hub_projector(usual).value().path == "mmproj-M-F16.gguf");
  CHECK(hub_projector({file("x/mmproj-model-Q8_0.gguf", 1), file("mmproj.gguf", 1)}).value().path ==
        "x/mmproj-model-Q8_0.gguf");
  CHECK_FALSE(hub_projector({file("M-Q4_K_M.gguf", 1), file("mmproj.txt", 1)}).has_value());
}

TEST_CASE("hub_files: lists as the hub gives them, and lists that make no sense") {
  const std::string hex(64, 'b');
  const auto files = parse_hub_files(
      R"([{"type":"directory","oid":"1","size":0,"path":"Q8_0"},
          {"type":"file","oid":"2","size":135,"path":"M.gguf","lfs":{"oid":")" +
          hex +
          R"(","size":5000000000,"pointerSize":135},"xetHash":"x"},
          {"type":"file","oid":"3","size":12,"path":"README.md"}])",
      "list");
  REQUIRE(files.size() == 2);
  CHECK(files[0].path == "M.gguf");
  CHECK(files[0].size_bytes == 5'000'000'000);
  CHECK(files[0].digest.value().hex() == hex);
  CHECK_FALSE(files[1].digest.has_value());
  for (std::string_view wrong :
       {"", "{}", "[1]", "[{}]", R"([{"path":1}])", R"([{"path":"a","size":"b"}])",
        R"([{"path":"a","size":1,"lfs":{"oid":7,"size":1}}])", R"([{"path":"a","size":-1}])",
        R"([{"path":"a"}])", R"([{"path":"a","size":99999999999999999}])",
        R"([{"path":"a","lfs":{"size":{}}}])", "[["}) {
    CAPTURE(wrong);
    CHECK_THROWS_AS(parse_hub_files(wrong, "list"), Error);
  }
  // A digest that is none never becomes one.
  CHECK_FALSE(
      parse_hub_files(R"([{"path":"a.gguf","size":1,"lfs":{"oid":"../../x","size":1}}])", "list")[0]
          .digest.has_value());
  CHECK_THROWS_AS(parse_hub_files(std::string(1'000'000, '['), "list"), Error);
  CHECK_THROWS_AS(
      parse_hub_files(std::string(1'000'000, '[') + std::string(1'000'000, ']'), "list"), Error);
}
