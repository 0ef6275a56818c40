#include "daemon/daemon.h"

#include "daemon/server/task.h"  // before everything else of Boost

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <csignal>
#include <cstdlib>

#include "base/error.h"
#include "base/log.h"
#include "base/version.h"
#include "daemon/chat_service.h"
#include "daemon/config.h"
#include "daemon/embed_service.h"
#include "daemon/model_library.h"
#include "daemon/model_manager.h"
#include "daemon/port_owner.h"
#include "daemon/response_store.h"
#include "daemon/routes.h"
#include "daemon/server/access.h"
#include "daemon/server/server.h"
#include "daemon/server/worker_pool.h"
#include "daemon/starter_model.h"
#include "daemon/tokenize_service.h"
#include "daemon/transfer_service.h"
#include "registry/maintenance.h"
#include "registry/model_store.h"

namespace hearth::daemon {
namespace {

namespace asio = boost::asio;

// As many descriptors as the system lets us have: each client and each file takes one.
void raise_descriptor_limit() {
  constexpr rlim_t wanted = 65536;
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted) return;
  limit.rlim_cur = std::min(limit.rlim_max, wanted);
  setrlimit(RLIMIT_NOFILE, &limit);
}

void check_bind_rule(const Config& config) {
  if (is_loopback_host(config.host) || !config.api_key.empty() || config.allows_no_auth) return;
  throw Error(ErrorCode::forbidden,
              fmt::format("{} can be reached from other computers: set HEARTH_API_KEY, or say "
                          "--insecure-no-auth when "
                          "everybody who can reach the port may use and delete models",
                          config.host));
}

AccessRules access_rules(const Config& config) {
  AccessRules rules;
  rules.is_loopback = is_loopback_host(config.host);
  rules.origins = config.origins;
  for (const std::string& origin : rules.origins) check_origin_entry(origin);
  rules.api_key = config.api_key;
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) == 0) rules.host_name = name.data();
  rules.addresses = interface_addresses();
  return rules;
}

ServerLimits server_limits(const Config& config) {
  ServerLimits limits;
  limits.body_bytes_max = static_cast<size_t>(config.body_bytes_max);
  const auto beat = std::chrono::duration_cast<std::chrono::milliseconds>(std::clamp<api::Duration>(
      config.heartbeat, std::chrono::milliseconds(10), std::chrono::hours(1)));
  limits.heartbeats.interval = limits.heartbeats.json_head = beat;
  limits.heartbeats.stream_head = std::min(limits.heartbeats.stream_head, beat);
  return limits;
}

void listen(Server& server, const Config& config) {
  try {
    server.listen(config.host, config.port);
  } catch (const Error& failure) {
    if (failure.code() != ErrorCode::unavailable) throw;
    throw Error(failure.code(), fmt::format("{}; {} answers there", failure.what(),
                                            port_owner(config.host, config.port)));
  }
}

// Those of the folders that are stores of somebody else.
registry::ModelStoreOptions store_options(const Config& config) {
  registry::ModelStoreOptions options;
  options.prunes = config.prunes;
  for (const std::filesystem::path& folder : config.ollama_stores) {
    std::error_code problem;
    const bool is_store = std::filesystem::is_directory(folder / "manifests", problem);
    if (!is_store || std::filesystem::equivalent(folder, config.models, problem)) continue;
    log::info(fmt::format("models in {} are listed too", folder.string()));
    options.readonly_roots.push_back(folder);
  }
  return options;
}

// Once nobody else can have the store: the port is ours and so is the lock.
void tidy(registry::ModelStore& store, const Config& config) {
  const registry::MaintenanceReport report = registry::maintain(store, {.prunes = config.prunes});
  if (report.renamed + report.unfinished + report.blobs > 0) {
    log::info(fmt::format(
        "tidied {}: {} unused blobs and {} unfinished files removed ({} bytes), {} blobs renamed",
        store.root().string(), report.blobs, report.unfinished, report.bytes, report.renamed));
  }
  if (!report.why_not_pruned.empty())
    log::warn(fmt::format("unused files stay where they are: {}", report.why_not_pruned));
}

// Everything of a running daemon.
class Daemon {
 public:
  explicit Daemon(const Config& config)
      : config_(config),
        access_(access_rules(config)),
        server_(io_.get_executor(), server_limits(config),
                [this](Exchange& exchange) { return answer_request(services_, exchange); }),
        listening_(server_, config),
        store_(config.models, store_options(config)),
        library_(store_),
        workers_(io_.get_executor(), 8),
        load_workers_(io_.get_executor(), 16),
        long_workers_(io_.get_executor(), 32),
        manager_(io_.get_executor(), load_workers_, config_),
        tokenize_(workers_, library_, manager_),
        chat_(workers_, library_, manager_, tokenize_, config_),
        embed_(workers_, library_, manager_),
        transfers_(store_, config_.transfers,
                   [this] { return static_cast<uint64_t>(manager_.memory_limit_bytes()); }),
        services_{config_,  access_, workers_, long_workers_, store_,     library_,
                  manager_, chat_,   embed_,   tokenize_,     transfers_, responses_} {}

  int run() {
    const registry::StoreLock lock(config_.models);
    tidy(store_, config_);
    if (config_.offers_starter) offer_starter(store_);
    log_start();
    asio::co_spawn(io_, server_.serve(), asio::detached);
    asio::co_spawn(io_, wait_for_signal(), asio::detached);
    io_.run();
    workers_.join();  // jobs that still run use what is destroyed next
    load_workers_.join();
    long_workers_.join();
    return 0;
  }

 private:
  // The socket is bound before anything else is touched: of two daemons the second must not work on
  // the first one's store, and clients that come early wait in the socket's queue.
  struct Listening {
    Listening(Server& server, const Config& config) { listen(server, config); }
  };

  // What was chosen, once: the first thing to read when something is not as expected.
  void log_start() {
    log::info(fmt::format("hearthd {} listens on {}:{}, models in {}", version(), config_.host,
                          server_.port(), config_.models.string()));
    const std::string_view who = !config_.api_key.empty() ? "who knows the API key"
                                 : server_.is_loopback()  ? "this computer, without a key"
                                                          : "everybody, without a key";
    log::info(fmt::format(
        "open to {}; {} own origins; at most {} models in {} MiB, {} requests at "
        "once and {} waiting per model; cache {}, keep-alive {}",
        who, config_.origins.size(), config_.max_loaded_models, manager_.memory_limit_bytes() >> 20,
        config_.num_parallel, config_.max_queue, engine::kv_type_name(config_.kv_cache_type),
        api::print_go_duration(config_.keep_alive)));
  }

  // Returns when nothing of a request is left: what handlers use is destroyed after that.
  Task<void> wait_for_signal() {
    asio::signal_set signals(io_, SIGINT, SIGTERM);
    co_await signals.async_wait(asio::use_awaitable);
    log::info("hearthd stops");
    signals.async_wait([](const boost::system::error_code& failure, int) {
      if (!failure) std::_Exit(1);  // asked twice: at once
    });
    server_.stop();
    const Wake wake(io_.get_executor());
    const auto patience = std::chrono::steady_clock::now() + std::chrono::seconds(3);
    while (server_.connection_count() > 0) {
      const auto now = std::chrono::steady_clock::now();
      if (now > patience) server_.abort();
      co_await wake.wait_until(now + std::chrono::milliseconds(10));
    }
    co_await manager_.stop();
    io_.stop();
  }

  const Config& config_;
  AccessRules access_;
  asio::io_context io_{1};
  Server server_;
  Listening listening_;
  registry::ModelStore store_;
  ModelLibrary library_;
  WorkerPool workers_;
  WorkerPool load_workers_;  // of their own: loads take minutes
  WorkerPool long_workers_;  // of their own: pulls take hours
  ModelManager manager_;
  TokenizeService tokenize_;
  ChatService chat_;
  EmbedService embed_;
  TransferService transfers_;
  ResponseStore responses_;
  Services services_;
};

}  // namespace

int run(const Config& config) {
  check_bind_rule(config);
  raise_descriptor_limit();
  return Daemon(config).run();
}

}  // namespace hearth::daemon
