#include "daemon/config.h"

#include <catch2/catch.hpp>
#include <cstdlib>

#include "base/error.h"

using namespace hearth::daemon;

namespace {

// Sets a variable for one scope.
class Variable {
 public:
  Variable(const char* name, const char* value) : name_(name) { setenv(name, value, 1); }
  ~Variable() { unsetenv(name_); }

 private:
  const char* name_;
};

void clear_environment() {
  for (const Setting& setting : settings()) {
    unsetenv(std::string(setting.environment).c_str());
    if (!setting.ollama.empty()) unsetenv(std::string(setting.ollama).c_str());
  }
}

std::string origin_of(const LoadedConfig& loaded, const std::string& name) {
  for (const SettingOrigin& setting : loaded.origins) {
    if (setting.name == name) return setting.origin;
  }
  return "";
}

Config with_host(const std::string& text) {
  Config config;
  apply_host(config, text);
  return config;
}

}  // namespace

TEST_CASE("a flag goes before our variable, ours before Ollama's, all before the default") {
  clear_environment();
  CHECK(load_config({}).config.port == 11434);
  const Variable ollama("OLLAMA_HOST", "127.0.0.1:1");
  CHECK(load_config({}).config.port == 1);
  CHECK(origin_of(load_config({}), "host") == "OLLAMA_HOST");
  const Variable ours("HEARTH_HOST", "127.0.0.1:2");
  CHECK(load_config({}).config.port == 2);
  CHECK(load_config({{"host", "127.0.0.1:3"}}).config.port == 3);
  CHECK(origin_of(load_config({{"host", "127.0.0.1:3"}}), "host") == "flag");
}

TEST_CASE("a wrong value of ours stops, one of Ollama's warns") {
  clear_environment();
  {
    const Variable ollama("OLLAMA_NUM_PARALLEL", "many");
    const LoadedConfig loaded = load_config({});
    CHECK(loaded.config.num_parallel == 64);
    REQUIRE(loaded.warnings.size() == 1);
    CHECK(loaded.warnings[0].find("OLLAMA_NUM_PARALLEL") != std::string::npos);
  }
  const Variable ours("HEARTH_NUM_PARALLEL", "many");
  CHECK_THROWS_WITH(load_config({}),
                    Catch::Contains("HEARTH_NUM_PARALLEL") && Catch::Contains("many"));
}

TEST_CASE("values of all kinds") {
  clear_environment();
  CHECK(load_config({{"keep-alive", "5"}}).config.keep_alive == std::chrono::seconds(5));
  CHECK(load_config({{"keep-alive", "-1"}}).config.keep_alive == hearth::api::forever);
  CHECK(load_config({{"keep-alive", "1h"}}).config.keep_alive == std::chrono::hours(1));
  CHECK(load_config({{"memory-limit", "2G"}}).config.memory_limit_bytes == int64_t{2} << 30);
  CHECK(load_config({{"origins", "https://a.example,app://*"}}).config.origins.size() == 2);
  CHECK(load_config({{"insecure-no-auth", "1"}}).config.allows_no_auth);
  CHECK(load_config({{"max-loaded-models", "0"}}).config.max_loaded_models == 3);
  CHECK(load_config({}).config.kv_cache_type == hearth::engine::KvType::f16);
  CHECK(load_config({{"kv-cache-type", "q8_0"}}).config.kv_cache_type ==
        hearth::engine::KvType::q8_0);
  CHECK_THROWS_WITH(load_config({{"kv-cache-type", "q9"}}), Catch::Contains("q4_0"));
  CHECK_THROWS_AS(load_config({{"memory-limit", "9999999999G"}}), hearth::Error);
}

TEST_CASE("a key is never shown") {
  clear_environment();
  const Variable key("HEARTH_API_KEY", "\" geheim \"");
  const LoadedConfig loaded = load_config({});
  CHECK(loaded.config.api_key == " geheim ");
  for (const SettingOrigin& setting : loaded.origins)
    CHECK(setting.value.find("geheim") == std::string::npos);
}

TEST_CASE("addresses") {
  CHECK(with_host("0.0.0.0").port == 11434);
  CHECK(with_host("example.org:80").host == "example.org");
  CHECK(with_host(":8080").host == "127.0.0.1");
  CHECK(with_host(":8080").port == 8080);
  CHECK(with_host("http://127.0.0.1").port == 80);
  CHECK(with_host("https://a:1/x").port == 1);
  CHECK(with_host("::1").host == "::1");
  CHECK(with_host("[::1]:9").host == "::1");
  CHECK(with_host("[::1]:9").port == 9);
  CHECK_THROWS_AS(with_host("a:99999"), hearth::Error);
}
