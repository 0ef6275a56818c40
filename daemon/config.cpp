#include "daemon/config.h"

#include <fmt/format.h>

#include "api/address.h"
#include "base/check.h"
#include "base/config.h"
#include "base/error.h"
#include "registry/ssh_key.h"

namespace hearth::daemon {
namespace {

// The folder this program lies in; empty when the system does not tell.
std::filesystem::path program_folder() {
  std::error_code failure;
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", failure);
  return failure ? std::filesystem::path() : program.parent_path();
}

engine::KvType kv_type(const std::string& name) {
  const std::optional<engine::KvType> type = engine::kv_type_from_name(name);
  HEARTH_CHECK(type.has_value());  // the table's choices are the engine's: a test compares them
  return *type;
}

engine::Speculation speculation(const std::string& name) {
  const std::optional<engine::Speculation> ways = engine::speculation_from_name(name);
  HEARTH_CHECK(ways.has_value());  // as above
  return *ways;
}

// "auto" stands for the usual places, "none" for nothing.
std::vector<std::filesystem::path> ollama_stores(
    const std::vector<std::string>& folders, const std::map<std::string, std::string>& variables) {
  std::vector<std::filesystem::path> stores;
  for (const std::string& folder : folders) {
    if (folder == "none") continue;
    if (folder != "auto") {
      stores.emplace_back(folder);
      continue;
    }
    const auto home = variables.find("HOME");
    if (home != variables.end())
      stores.push_back(std::filesystem::path(home->second) / ".ollama/models");
    stores.emplace_back("/usr/share/ollama/.ollama/models");
  }
  return stores;
}

struct HostEntry {
  std::string host;
  std::string value;
};

// "host=value"; what it holds may be secret, so that only the host is named.
HostEntry host_entry(const std::string& text, const char* setting) {
  const size_t equals = text.find('=');
  if (equals != std::string::npos && equals > 0 && equals + 1 < text.size())
    return {text.substr(0, equals), text.substr(equals + 1)};
  throw Error(ErrorCode::invalid_argument, fmt::format("{}: every entry is host=...", setting));
}

registry::RegistryCredentials credentials_of(const HostEntry& entry) {
  constexpr std::string_view basic = "basic:";
  constexpr std::string_view bearer = "bearer:";
  registry::RegistryCredentials credentials;
  const std::string& value = entry.value;
  const size_t colon = value.find(':', basic.size());
  if (value.starts_with(bearer) && value.size() > bearer.size()) {
    credentials.bearer = value.substr(bearer.size());
  } else if (value.starts_with(basic) && colon != std::string::npos && colon > basic.size()) {
    credentials.user = value.substr(basic.size(), colon - basic.size());
    credentials.password = value.substr(colon + 1);
  } else {
    throw Error(
        ErrorCode::invalid_argument,
        fmt::format("registry-auth: {} needs basic:USER:PASSWORD or bearer:TOKEN", entry.host));
  }
  return credentials;
}

registry::TransferSettings transfers_from(const api::Settings& settings) {
  registry::TransferSettings transfers;
  transfers.connections = static_cast<int>(settings.count("connections"));
  transfers.bytes_per_second = static_cast<uint64_t>(settings.count("limit-rate"));
  transfers.is_offline = settings.is_on("offline");
  transfers.ca_file = settings.path("ca-file");
  transfers.key_file = settings.path("key-file");
  const api::Duration stall = settings.duration("stall-timeout");
  if (stall > api::Duration::zero() && stall != api::forever)
    transfers.stall_timeout = std::chrono::duration_cast<std::chrono::milliseconds>(stall);
  for (const std::string& text : settings.list("mirrors")) {
    const HostEntry entry = host_entry(text, "mirrors");
    if (!entry.value.starts_with("https://") && !entry.value.starts_with("http://")) {
      throw Error(ErrorCode::invalid_argument,
                  fmt::format("mirrors: {} is no http address", entry.value));
    }
    transfers.mirrors[entry.host].push_back(entry.value);
  }
  for (const std::string& text : settings.list("registry-auth")) {
    const HostEntry entry = host_entry(text, "registry-auth");
    transfers.credentials[entry.host] = credentials_of(entry);
  }
  transfers.hugging_face_token = settings.text("hf-token");
  transfers.hugging_face_endpoint = settings.text("hf-endpoint");
  return transfers;
}

// What programs agree on without asking hearth: certificates, proxies, Hugging Face's variables.
void add_shared_variables(registry::TransferSettings& transfers, const api::Settings& settings,
                          const std::map<std::string, std::string>& variables) {
  const auto value_of = [&variables](const char* name) {
    const auto found = variables.find(name);
    return found == variables.end() ? std::string() : found->second;
  };
  transfers.environment = variables;
  if (transfers.ca_file.empty()) transfers.ca_file = value_of("SSL_CERT_FILE");
  if (transfers.hugging_face_token.empty()) transfers.hugging_face_token = value_of("HF_TOKEN");
  const std::string endpoint = value_of("HF_ENDPOINT");
  if (!endpoint.empty() && settings.value("hf-endpoint").origin == "default")
    transfers.hugging_face_endpoint = endpoint;
  if (transfers.key_file.empty()) transfers.key_file = registry::user_key_file(value_of("HOME"));
}

}  // namespace

Config config_from(const api::Settings& settings) {
  constexpr int32_t loaded_models_default = 3;
  Config config;
  const api::Address address = api::parse_address(settings.text("host"));
  config.host = address.host;
  config.port = address.port;
  config.models = settings.path("models");
  config.api_key = settings.text("api-key");
  config.allows_no_auth = settings.is_on("insecure-no-auth");
  config.origins = settings.list("origins");
  config.keep_alive = settings.duration("keep-alive");
  config.load_timeout = settings.duration("load-timeout");
  config.context_tokens = settings.count("context-length");
  config.num_parallel = static_cast<int32_t>(settings.count("num-parallel"));
  config.max_loaded_models = static_cast<int32_t>(settings.count("max-loaded-models"));
  if (config.max_loaded_models == 0) config.max_loaded_models = loaded_models_default;
  config.max_queue = static_cast<int32_t>(settings.count("max-queue"));
  config.body_bytes_max = settings.count("max-body");
  config.heartbeat = settings.duration("heartbeat");
  config.isa = settings.text("isa");
  config.is_precise = settings.is_on("precise");
  config.kv_cache_type = kv_type(settings.text("kv-cache-type"));
  config.speculation = speculation(settings.text("speculation"));
  config.threads = static_cast<int32_t>(settings.count("threads"));
  config.memory_limit_bytes = settings.count("memory-limit");
  const std::string go_template = settings.text("go-template");
  if (!go_template.empty())
    config.prefers_stored_template = go_template == "1" || go_template == "true";
  config.truncates_like_ollama = settings.text("compat") == "ollama";
  config.is_debug = settings.is_on("debug");
  config.prunes = !settings.is_on("no-prune");
  config.offers_starter = !settings.is_on("no-starter");
  config.runner = settings.path("runner");
  if (config.runner.empty()) config.runner = program_folder() / "hearth-runner";
  config.transfers = transfers_from(settings);
  return config;
}

LoadedConfig load_config(const std::map<std::string, std::string>& flags) {
  api::SettingSources sources{flags, environment_variables(), {}};
  for (ConfigFileText& file : read_config_files(sources.environment))
    sources.files.push_back({std::move(file.path), std::move(file.text)});
  api::Settings settings = api::load_settings(sources);
  Config config = config_from(settings);
  config.ollama_stores = ollama_stores(settings.list("ollama-stores"), sources.environment);
  add_shared_variables(config.transfers, settings, sources.environment);
  return {std::move(config), std::move(settings)};
}

}  // namespace hearth::daemon
