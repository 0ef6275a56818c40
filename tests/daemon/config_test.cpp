// What the table's values mean for the daemon. Sources and their order:
// tests/api/settings_test.cpp.
#include "daemon/config.h"

#include <catch2/catch.hpp>

using namespace hearth;
using namespace hearth::daemon;

namespace {

Config with(const std::map<std::string, std::string>& flags) {
  return config_from(api::load_settings({flags, {{"HOME", "/home/me"}}, {}}));
}

}  // namespace

TEST_CASE("the defaults of the table are the daemon's") {
  const Config config = with({});
  const Config plain;
  CHECK(config.host == plain.host);
  CHECK(config.port == plain.port);
  CHECK(config.models == "/home/me/.hearth/models");
  CHECK(config.keep_alive == plain.keep_alive);
  CHECK(config.load_timeout == plain.load_timeout);
  CHECK(config.num_parallel == plain.num_parallel);
  CHECK(config.max_loaded_models == plain.max_loaded_models);
  CHECK(config.max_queue == plain.max_queue);
  CHECK(config.kv_cache_type == plain.kv_cache_type);
  CHECK(config.memory_limit_bytes == 0);
  CHECK_FALSE(config.is_debug);
  CHECK(config.runner.filename() == "hearth-runner");
}

TEST_CASE("values of all kinds reach the daemon") {
  CHECK(with({{"keep-alive", "5"}}).keep_alive == std::chrono::seconds(5));
  CHECK(with({{"keep-alive", "-1"}}).keep_alive == api::forever);
  CHECK(with({{"keep-alive", "1h"}}).keep_alive == std::chrono::hours(1));
  CHECK(with({{"memory-limit", "2G"}}).memory_limit_bytes == int64_t{2} << 30);
  CHECK(with({{"origins", "https://a.example, app://*"}}).origins ==
        std::vector<std::string>{"https://a.example", "app://*"});
  CHECK(with({{"insecure-no-auth", "1"}}).allows_no_auth);
  CHECK(with({{"max-loaded-models", "0"}}).max_loaded_models == 3);
  CHECK(with({{"compat", "ollama"}}).truncates_like_ollama);
  CHECK(with({{"host", "[::1]:9"}}).host == "::1");
  CHECK(with({{"host", ":8080"}}).port == 8080);
}

TEST_CASE("how models travel") {
  const auto plain = with({}).transfers;
  CHECK(plain.connections == 4);
  CHECK(plain.bytes_per_second == 0);
  CHECK_FALSE(plain.is_offline);
  CHECK(plain.stall_timeout == std::chrono::seconds(30));
  CHECK(plain.hugging_face_endpoint == "https://huggingface.co");
  CHECK(with({{"limit-rate", "10M"}}).transfers.bytes_per_second == 10 << 20);
  CHECK(with({{"stall-timeout", "2s"}}).transfers.stall_timeout == std::chrono::seconds(2));
  const auto mirrors =
      with({{"mirrors", "a.example=https://m:5000,a.example=https://n"}}).transfers.mirrors;
  CHECK(mirrors.at("a.example") == std::vector<std::string>{"https://m:5000", "https://n"});
  const auto who =
      with({{"registry-auth", "a:5000=basic:me:p:w,b=bearer:t"}}).transfers.credentials;
  CHECK(who.at("a:5000").user == "me");
  CHECK(who.at("a:5000").password == "p:w");
  CHECK(who.at("b").bearer == "t");
  for (const char* wrong : {"a", "a=", "a=me:pw", "a=basic:me", "a=bearer:"})
    CHECK_THROWS(with({{"registry-auth", wrong}}));
  CHECK_THROWS(with({{"mirrors", "a=ftp://x"}}));
}

TEST_CASE("choices that are the engine's are the engine's") {
  const std::string types(api::find_setting("kv-cache-type")->choices);
  std::string names;
  for (const std::string_view name : engine::kv_type_names)
    names += (names.empty() ? "" : " ") + std::string(name);
  CHECK(types == names);
  CHECK(with({{"kv-cache-type", "Q8_0"}}).kv_cache_type == engine::KvType::q8_0);
  names.clear();
  for (const std::string_view name : engine::speculation_names)
    names += (names.empty() ? "" : " ") + std::string(name);
  CHECK(api::find_setting("speculation")->choices == names);
  CHECK(with({}).speculation == engine::Speculation::automatic);
  CHECK(with({{"speculation", "lookup"}}).speculation == engine::Speculation::lookup);
}
