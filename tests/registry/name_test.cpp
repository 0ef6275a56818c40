// Model names: the vectors of the specification and the property that no name leaves the manifests
// folder.
#include "registry/name.h"

#include <catch2/catch.hpp>
#include <random>

#include "base/error.h"

using hearth::registry::ModelName;

TEST_CASE("a short name gets the defaults") {
  const ModelName name = ModelName::parse("llama3.2");
  CHECK(name.full() == "registry.ollama.ai/library/llama3.2:latest");
  CHECK(name.relative_path() == "registry.ollama.ai/library/llama3.2/latest");
  CHECK(name == ModelName::parse("library/llama3.2"));
  CHECK(name == ModelName::parse("registry.ollama.ai/library/LLAMA3.2:Latest"));
  CHECK_FALSE(name == ModelName::parse("llama3.2:1b"));
}

TEST_CASE("display drops what is the default") {
  CHECK(ModelName::parse("m").display() == "m:latest");
  CHECK(ModelName::parse("registry.ollama.ai/library/m:1").display() == "m:1");
  CHECK(ModelName::parse("user/m").display() == "user/m:latest");
  CHECK(ModelName::parse("hf.co/user/repo.v1:Q4_K_M").display() == "hf.co/user/repo.v1:Q4_K_M");
  CHECK(ModelName::parse("localhost:5000/library/m").display() ==
        "localhost:5000/library/m:latest");
  CHECK(ModelName::parse("LLAMA:8B").display() == "LLAMA:8B");
}

TEST_CASE("schemes say how to reach the host") {
  CHECK(ModelName::parse("https://hf.co/u/r:Q4_K_M").host == "hf.co");
  CHECK(ModelName::parse("http://h/n/m").scheme == "http");
  CHECK(ModelName::parse("http://h/n/m") == ModelName::parse("h/n/m"));
}

TEST_CASE("valid and invalid names") {
  for (const char* text : {"_why/_the/_lucky:_stiff", "host:https/namespace/model:tag",
                           "x.y/ns/m.v1.2:q4.0", "a", "a-b_c.d"}) {
    CAPTURE(text);
    CHECK(ModelName::try_parse(text).has_value());
  }
  const std::string long_model(81, 'a');
  for (const std::string& text : {std::string("-hh/n/m:t"),
                                  std::string("hh/n/m:-tt"),
                                  std::string("a/b/c/d"),
                                  std::string("ns.dot/m"),
                                  long_model,
                                  std::string("ᴍ"),
                                  std::string("m:"),
                                  std::string(""),
                                  std::string("/m"),
                                  std::string("h//m"),
                                  std::string("a/"),
                                  std::string(":x"),
                                  std::string("//m"),
                                  std::string("m@sha256:abc"),
                                  std::string("[::1]/n/m"),
                                  std::string(".."),
                                  std::string("../m"),
                                  std::string("m:.."),
                                  std::string("a b"),
                                  std::string("m\0x", 3)}) {
    CAPTURE(text);
    CHECK_FALSE(ModelName::try_parse(text).has_value());
    CHECK_THROWS_AS(ModelName::parse(text), hearth::Error);
  }
  CHECK(ModelName::try_parse(std::string(80, 'a')).has_value());
}

TEST_CASE("an invalid name's message is bounded and printable") {
  try {
    ModelName::parse(std::string(100000, '\n'));
    FAIL("expected an error");
  } catch (const hearth::Error& error) {
    CHECK(error.code() == hearth::ErrorCode::invalid_argument);
    CHECK(std::string(error.what()).size() < 400);
    CHECK(std::string(error.what()).find('\n') == std::string::npos);
  }
}

TEST_CASE("paths are read back only when they have four valid parts") {
  const ModelName name = ModelName::parse("hf.co/u/r:q");
  CHECK(ModelName::from_relative_path(name.relative_path()) == name);
  CHECK_FALSE(ModelName::from_relative_path("a/b/c"));
  CHECK_FALSE(ModelName::from_relative_path("a/b/c/.DS_Store"));
  CHECK_FALSE(ModelName::from_relative_path("a/../c/d"));
}

TEST_CASE("no random text becomes a path outside of its folder") {
  std::mt19937 random(7);
  const std::string alphabet = "../:-_aZ0\\ \t%~";
  for (int i = 0; i < 200000; ++i) {
    std::string text;
    for (unsigned length = random() % 16; length > 0; --length)
      text += alphabet[random() % alphabet.size()];
    const auto name = ModelName::try_parse(text);
    if (!name) continue;
    const auto normal = (std::filesystem::path("/m") / name->relative_path()).lexically_normal();
    REQUIRE(normal == std::filesystem::path("/m") / name->relative_path());
    REQUIRE(std::distance(normal.begin(), normal.end()) == 6);
  }
}
