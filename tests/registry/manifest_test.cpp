#include "registry/manifest.h"

#include <catch2/catch.hpp>

#include "base/error.h"

using namespace hearth::registry;

namespace {

const std::string digest_a = "sha256:" + std::string(64, 'a');

hearth::ErrorCode code_of(std::string_view bytes) {
  try {
    parse_manifest(bytes, "manifest of 'm'");
  } catch (const hearth::Error& error) {
    CHECK(std::string(error.what()).starts_with("manifest of 'm': "));
    return error.code();
  }
  FAIL("expected an error");
  return {};
}

}  // namespace

TEST_CASE("a manifest survives printing and parsing") {
  Manifest manifest;
  manifest.config = Layer{std::string(media_type::config), BlobDigest::parse(digest_a), 7, "", ""};
  manifest.layers.push_back(
      {std::string(media_type::model), BlobDigest::parse(digest_a), 100, "base:latest", ""});
  manifest.layers.push_back(
      {std::string(media_type::license), BlobDigest::parse(digest_a), 20, "", "n"});
  const std::string text = print_manifest(manifest);
  CHECK(text.back() == '\n');
  const Manifest again = parse_manifest(text, "test");
  CHECK(print_manifest(again) == text);
  CHECK(again.layers[0].from == "base:latest");
  CHECK(again.size_bytes() == 127);
}

TEST_CASE("unknown fields and an empty config are fine") {
  const auto manifest = parse_manifest(
      R"({"schemaVersion":2,"config":{},"future":[1],"layers":[{"mediaType":"x","digest":")" +
          digest_a + R"(","size":1,"annotations":{}}]})",
      "test");
  CHECK_FALSE(manifest.config);
  CHECK(manifest.layers.size() == 1);
}

TEST_CASE("damaged manifests are refused") {
  for (const std::string& bytes :
       {std::string(), std::string("[]"), std::string("{"), std::string("{}"),
        std::string(R"({"layers":1})"), std::string(R"({"layers":[1]})"),
        std::string(R"({"layers":[{"digest":"sha256:../../x","size":1}]})"),
        std::string(R"({"layers":[{"digest":"sha256:a","size":1}]})"),
        R"({"layers":[{"digest":")" + digest_a + R"(","size":-1}]})",
        R"({"layers":[{"digest":")" + digest_a + R"(","size":1.5}]})",
        R"({"layers":[{"digest":")" + digest_a + R"(","size":18446744073709551615}]})",
        std::string(R"({"layers":[{"digest":5,"size":1}]})"), std::string(100000, '['),
        std::string("\xff\xfe{}")}) {
    CAPTURE(bytes.substr(0, 100));
    CHECK(code_of(bytes) == hearth::ErrorCode::corrupt_data);
  }
}

TEST_CASE("a config leaves out what is not given and keeps what is") {
  ModelConfig config;
  config.model_format = "gguf";
  config.model_family = "llama";
  config.model_families = {"llama"};
  config.required_version = "0.12.0";
  config.context_length = 2048;
  const std::string text = print_model_config(config);
  CHECK(text.find("renderer") == std::string::npos);
  const ModelConfig again = parse_model_config(text, "test");
  CHECK(print_model_config(again) == text);
  CHECK(again.required_version == "0.12.0");
  CHECK(again.context_length == 2048);
  CHECK_THROWS_AS(parse_model_config(R"({"model_family":1})", "test"), hearth::Error);
  CHECK_THROWS_AS(parse_model_config(R"({"capabilities":[1]})", "test"), hearth::Error);
}

TEST_CASE("texts that are not UTF-8 still give a config") {
  ModelConfig config;
  config.base_name = "a\xff";
  CHECK(parse_model_config(print_model_config(config), "test").base_name == "a\xEF\xBF\xBD");
}

TEST_CASE("parameter counts for people") {
  CHECK(human_parameter_count(8'030'000'000) == "8.0B");
  CHECK(human_parameter_count(7'000'000'000) == "7B");
  CHECK(human_parameter_count(361'821'120) == "361.82M");
  CHECK(human_parameter_count(656'000) == "656K");
  CHECK(human_parameter_count(999) == "999");
}
