// Models of the hub by name: which requests are made, and what comes of their answers. The tests in
// tests/e2e/registry_hub.mjs have a front that answers as the hub does in more cases.
#include "registry/hugging_face.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "base/error.h"
#include "tests/registry/temporary_folder.h"
#include "tests/support/registry_server.h"

using namespace hearth::registry;
using hearth::Error;
using hearth::testing::digest_of;
using hearth::testing::HttpServer;
using hearth::testing::serve_range;
using hearth::testing::Served;
using hearth::testing::ServedRequest;
using hearth::testing::TemporaryFolder;

namespace {

const std::string first_part(5000, 'a'), second_part(6000, 'b');

std::string entry(const std::string& path, const std::string& content) {
  return R"({"type":"file","path":")" + path + R"(","size":1,"lfs":{"oid":")" +
         digest_of(content).substr(7) + R"(","size":)" + std::to_string(content.size()) + "}}";
}

// A repository with one model in two parts, which the registry routes refuse, in a list of two
// pages.
Served answer(const ServedRequest& request) {
  const std::string& target = request.target;
  if (target.starts_with("/v2/")) return {.status = 400, .body = R"({"error":"sharded"})"};
  if (target == "/api/models/u/r/tree/main?recursive=true") {
    return {.headers = {{"Link", "</api/models/u/r/tree/main?page=2>; rel=\"next\""}},
            .body = "[" + entry("a b/m-Q4_K_M-00002-of-00002.gguf", second_part) + "]"};
  }
  if (target == "/api/models/u/r/tree/main?page=2") {
    return {.body = "[" + entry("a b/m-Q4_K_M-00001-of-00002.gguf", first_part) +
                    R"(,{"type":"file","path":"system","size":5}])"};
  }
  if (target == "/u/r/resolve/main/system") return {.body = "short"};
  if (target == "/u/r/resolve/main/a%20b/m-Q4_K_M-00001-of-00002.gguf")
    return serve_range(request, first_part);
  if (target == "/u/r/resolve/main/a%20b/m-Q4_K_M-00002-of-00002.gguf")
    return serve_range(request, second_part);
  return {.status = 404};
}

}  // namespace

TEST_CASE("hugging_face: which names are the hub's") {
  for (const char* name : {"hf.co/u/r:Q4_K_M", "HF.co/u/r", "huggingface.co/u/r"})
    CHECK(is_hugging_face(ModelName::parse(name)));
  for (const char* name : {"r", "hf.co.example/u/r", "xhf.co/u/r", "hf.co:443/u/r", "hf/co/r"})
    CHECK_FALSE(is_hugging_face(ModelName::parse(name)));
}

TEST_CASE("hugging_face: a model in parts comes from the files, whatever it is called by") {
  HttpServer server(answer);
  for (const std::string tag : {"", ":q4_k_m"}) {
    const TemporaryFolder folder;
    ModelStore store(folder.path());
    TransferSettings settings;
    settings.hugging_face_endpoint = "http://" + server.host();
    Puller puller(store, settings);
    HuggingFace hub(store, puller, [] { return uint64_t{1} << 30; });
    std::vector<std::string> said;
    const ModelName name = ModelName::parse("hf.co/u/r" + tag);
    hub.pull(name, {}, [&](const TransferEvent& event) { said.push_back(event.status); });
    CHECK(said.front() == "pulling manifest");
    CHECK(said.back() == "success");
    CHECK((std::find(said.begin(), said.end(), "using Q4_K_M, 0 MB: the only variant there is") !=
           said.end()) == tag.empty());
    const StoredManifest stored = store.read(name).value();
    REQUIRE(stored.manifest.layers.size() == 3);
    CHECK(stored.manifest.layers[0].digest.text() == digest_of(first_part));
    CHECK(stored.manifest.layers[1].digest.text() == digest_of(second_part));
    CHECK(store.open(name).system == "short");
  }
}

TEST_CASE("hugging_face: refusals say what helps, and an endpoint that is none is named") {
  const auto message = [](const std::string& endpoint) {
    const TemporaryFolder folder;
    ModelStore store(folder.path());
    TransferSettings settings;
    settings.hugging_face_endpoint = endpoint;
    Puller puller(store, settings);
    HuggingFace hub(store, puller, [] { return uint64_t{0}; });
    try {
      hub.pull(ModelName::parse("hf.co/u/r:Q8_0"), {}, [](const TransferEvent&) {});
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string("no error");
  };
  int status = 401;
  HttpServer server([&](const ServedRequest&) { return Served{.status = status}; });
  CHECK(message("http://" + server.host()).find("HF_TOKEN") != std::string::npos);
  status = 403;
  CHECK(message("http://" + server.host()).find("terms") != std::string::npos);
  status = 404;
  CHECK(message("http://" + server.host()).find("file does not exist") != std::string::npos);
  CHECK(message("ftp://x").find("HF_ENDPOINT") == 0);
}
