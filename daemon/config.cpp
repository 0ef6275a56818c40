#include "daemon/config.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstdlib>
#include <limits>
#include <optional>

#include "base/error.h"

namespace hearth::daemon {
namespace {

[[noreturn]] void fail(std::string_view expected, std::string_view found) {
  throw Error(ErrorCode::invalid_argument,
              fmt::format("expected {}, found \"{}\"", expected, found));
}

int64_t parse_integer(std::string_view text, int64_t min, int64_t max) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < min || value > max) {
    fail(fmt::format("a whole number from {} to {}", min, max), text);
  }
  return value;
}

bool parse_switch(std::string_view text) {
  for (const std::string_view yes : {"1", "t", "T", "true", "True", "TRUE"}) {
    if (text == yes) return true;
  }
  for (const std::string_view no : {"0", "f", "F", "false", "False", "FALSE"}) {
    if (text == no) return false;
  }
  fail("1 or 0", text);
}

// A Go duration, or a bare number of seconds.
api::Duration parse_duration(std::string_view text) {
  if (const std::optional<api::Duration> value = api::parse_go_duration(text))
    return api::negative_is_forever(*value);
  int64_t seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc() || end != text.data() + text.size())
    fail("a duration such as 5m, or seconds", text);
  return api::negative_is_forever(api::from_seconds(static_cast<double>(seconds)));
}

// "8000000000", "512M", "8G": powers of 1024.
int64_t parse_bytes(std::string_view text) {
  int shift = 0;
  std::string_view digits = text;
  if (!digits.empty()) {
    constexpr std::string_view letters = "KMGT";
    const size_t letter = letters.find(digits.back());
    if (letter != std::string_view::npos) {
      shift = static_cast<int>(letter + 1) * 10;
      digits.remove_suffix(1);
    }
  }
  return parse_integer(digits, 0, std::numeric_limits<int64_t>::max() >> shift) << shift;
}

std::vector<std::string> split_commas(std::string_view text) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const size_t comma = text.find(',');
    const std::string_view part = text.substr(0, comma);
    if (!part.empty()) parts.emplace_back(part);
    if (comma == std::string_view::npos) break;
    text.remove_prefix(comma + 1);
  }
  return parts;
}

constexpr int64_t count_max = 1'000'000;

const std::array table{
    Setting{"host", "HEARTH_HOST", "OLLAMA_HOST", "127.0.0.1:11434", "address",
            "where to listen; beyond this computer only with an API key", false, apply_host},
    Setting{"models", "HEARTH_MODELS", "OLLAMA_MODELS", "~/.hearth/models", "folder",
            "where models are kept", false, [](Config& c, std::string_view t) { c.models = t; }},
    Setting{"api-key", "HEARTH_API_KEY", "", "", "",
            "clients must send it as \"Authorization: Bearer <key>\"", false,
            [](Config& c, std::string_view t) { c.api_key = t; }},
    Setting{"insecure-no-auth", "HEARTH_INSECURE_NO_AUTH", "", "0", "",
            "listen beyond this computer without any key: everybody who reaches the port can use "
            "and delete models",
            true, [](Config& c, std::string_view t) { c.allows_no_auth = parse_switch(t); }},
    Setting{"origins", "HEARTH_ORIGINS", "OLLAMA_ORIGINS", "", "list",
            "web pages that may call the API, separated by commas, one * each", false,
            [](Config& c, std::string_view t) { c.origins = split_commas(t); }},
    Setting{"keep-alive", "HEARTH_KEEP_ALIVE", "OLLAMA_KEEP_ALIVE", "5m", "duration",
            "how long an idle model stays loaded; negative: for ever", false,
            [](Config& c, std::string_view t) { c.keep_alive = parse_duration(t); }},
    Setting{"load-timeout", "HEARTH_LOAD_TIMEOUT", "OLLAMA_LOAD_TIMEOUT", "5m", "duration",
            "how long a load may stand still before it is given up; negative: for ever", false,
            [](Config& c, std::string_view t) { c.load_timeout = parse_duration(t); }},
    Setting{"context-length", "HEARTH_CONTEXT_LENGTH", "OLLAMA_CONTEXT_LENGTH", "0", "tokens",
            "context of a request that asks for none; 0: the model's own, as far as memory allows",
            false,
            [](Config& c, std::string_view t) {
              c.context_tokens = parse_integer(t, 0, int64_t{1} << 30);
            }},
    Setting{"num-parallel", "HEARTH_NUM_PARALLEL", "OLLAMA_NUM_PARALLEL", "64", "requests",
            "requests one model answers at once", false,
            [](Config& c, std::string_view t) {
              c.num_parallel = static_cast<int32_t>(parse_integer(t, 1, 4096));
            }},
    Setting{"max-loaded-models", "HEARTH_MAX_LOADED_MODELS", "OLLAMA_MAX_LOADED_MODELS", "3",
            "models", "models loaded at once; 0: 3", false,
            [](Config& c, std::string_view t) {
              c.max_loaded_models = static_cast<int32_t>(parse_integer(t, 0, count_max));
              if (c.max_loaded_models == 0) c.max_loaded_models = 3;
            }},
    Setting{"max-queue", "HEARTH_MAX_QUEUE", "OLLAMA_MAX_QUEUE", "512", "requests",
            "requests that may wait per model; more are answered with 503", false,
            [](Config& c, std::string_view t) {
              c.max_queue = static_cast<int32_t>(parse_integer(t, 0, count_max));
            }},
    Setting{
        "kv-cache-type", "HEARTH_KV_CACHE_TYPE", "OLLAMA_KV_CACHE_TYPE", "f16", "type",
        "how keys and values are kept: f32, f16, q8_0, q4_0; the last two take about a half and "
        "a quarter of f16's memory and need heads of a multiple of 32 values",
        false,
        [](Config& c, std::string_view t) {
          const std::optional<engine::KvType> type = engine::kv_type_from_name(t);
          if (!type) fail(engine::kv_type_choices(), t);
          c.kv_cache_type = *type;
        }},
    Setting{"threads", "HEARTH_NUM_THREADS", "", "0", "threads",
            "threads that compute; 0: by cores and quota", false,
            [](Config& c, std::string_view t) {
              c.threads = static_cast<int32_t>(parse_integer(t, 0, 4096));
            }},
    Setting{
        "memory-limit", "HEARTH_MEMORY_LIMIT", "", "0", "bytes",
        "memory for all models together, K, M and G understood; 0: most of what the machine has",
        false, [](Config& c, std::string_view t) { c.memory_limit_bytes = parse_bytes(t); }},
    Setting{"compat", "HEARTH_COMPAT", "", "", "",
            "\"ollama\": prompts that are too long are cut silently instead of refused", false,
            [](Config& c, std::string_view t) {
              if (!t.empty() && t != "ollama") fail("ollama or nothing", t);
              c.truncates_like_ollama = t == "ollama";
            }},
    Setting{"debug", "HEARTH_DEBUG", "OLLAMA_DEBUG", "0", "", "more log lines", true,
            [](Config& c, std::string_view t) { c.is_debug = t == "2" || parse_switch(t); }},
    Setting{"runner", "HEARTH_RUNNER", "", "hearth-runner beside hearthd", "file",
            "the program that runs a model", false,
            [](Config& c, std::string_view t) { c.runner = t; }},
};

// Spaces and one pair of quotes around a value do not count.
std::string_view trim(std::string_view text) {
  constexpr std::string_view blank = " \t\r\n";
  const size_t start = text.find_first_not_of(blank);
  if (start == std::string_view::npos) return {};
  text = text.substr(start, text.find_last_not_of(blank) - start + 1);
  if (text.size() >= 2 && (text.front() == '"' || text.front() == '\'') &&
      text.back() == text.front()) {
    text = text.substr(1, text.size() - 2);
  }
  return text;
}

std::optional<std::string> environment(std::string_view name) {
  if (name.empty()) return std::nullopt;
  const char* value = std::getenv(std::string(name).c_str());
  if (value == nullptr) return std::nullopt;
  const std::string_view text = trim(value);
  if (text.empty()) return std::nullopt;
  return std::string(text);
}

// The folder this program lies in; empty when the system does not tell.
std::filesystem::path program_folder() {
  std::error_code failure;
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", failure);
  return failure ? std::filesystem::path() : program.parent_path();
}

void apply_defaults(Config& config) {
  const std::optional<std::string> home = environment("HOME");
  config.models = std::filesystem::path(home.value_or("/var/lib/hearth")) /
                  (home ? ".hearth/models" : "models");
  config.runner = program_folder() / "hearth-runner";
}

void apply_named(const Setting& setting, Config& config, std::string_view source,
                 std::string_view text) {
  try {
    setting.apply(config, text);
  } catch (const Error& failure) {
    throw Error(failure.code(), fmt::format("{}: {}", source, failure.what()));
  }
}

SettingOrigin load_setting(const Setting& setting, const std::map<std::string, std::string>& flags,
                           Config& config, std::vector<std::string>& warnings) {
  const std::string name(setting.name);
  const auto shown = [&](const std::string& value) {
    return name == "api-key" ? std::string("(secret)") : value;
  };
  if (const auto flag = flags.find(name); flag != flags.end()) {
    apply_named(setting, config, fmt::format("--{}", name), flag->second);
    return {name, shown(flag->second), "flag"};
  }
  if (const std::optional<std::string> value = environment(setting.environment)) {
    apply_named(setting, config, setting.environment, *value);
    return {name, shown(*value), std::string(setting.environment)};
  }
  if (const std::optional<std::string> value = environment(setting.ollama)) {
    try {
      apply_named(setting, config, setting.ollama, *value);
      return {name, shown(*value), std::string(setting.ollama)};
    } catch (const Error& failure) {
      warnings.push_back(
          fmt::format("{}; the default {} is used", failure.what(), setting.default_text));
    }
  }
  return {name, std::string(setting.default_text), "default"};
}

}  // namespace

std::span<const Setting> settings() {
  return table;
}

void apply_host(Config& config, std::string_view text) {
  const std::string_view whole = text;
  uint16_t port = 11434;
  if (const size_t scheme = text.find("://"); scheme != std::string_view::npos) {
    port = text.substr(0, scheme) == "https" ? 443 : 80;
    text.remove_prefix(scheme + 3);
  }
  text = text.substr(0, text.find('/'));
  std::string_view host = text;
  std::string_view port_text;
  const size_t colon = text.rfind(':');
  if (text.starts_with('[')) {
    const size_t close = text.find(']');
    if (close == std::string_view::npos) fail("host:port", whole);
    host = text.substr(1, close - 1);
    if (text.substr(close + 1).starts_with(':')) port_text = text.substr(close + 2);
  } else if (colon != std::string_view::npos && text.find(':') == colon) {
    host = text.substr(0, colon);
    port_text = text.substr(colon + 1);
  }
  if (!port_text.empty()) port = static_cast<uint16_t>(parse_integer(port_text, 0, 65535));
  config.host = host.empty() ? std::string("127.0.0.1") : std::string(host);
  config.port = port;
}

LoadedConfig load_config(const std::map<std::string, std::string>& flags) {
  LoadedConfig loaded;
  apply_defaults(loaded.config);
  for (const Setting& setting : table) {
    loaded.origins.push_back(load_setting(setting, flags, loaded.config, loaded.warnings));
  }
  return loaded;
}

}  // namespace hearth::daemon
