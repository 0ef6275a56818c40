#include "daemon/model_manager.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <list>
#include <map>
#include <utility>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "daemon/config.h"
#include "daemon/memory_plan.h"
#include "daemon/server/worker_pool.h"
#include "engine/compute_lease_owner.h"
#include "engine/device.h"

namespace hearth::daemon {

namespace asio = boost::asio;

enum class InstanceState { loading, ready, ending };

// One runner. Everything is io thread only, except what the load job uses while the state is
// loading: runner, facts, failure, and the atomics.
struct ModelInstance {
  explicit ModelInstance(const asio::any_io_executor& io) : expiry(io) {}

  uint64_t id = 0;
  RunnableModel model;
  ModelPlan plan;
  InstanceState state = InstanceState::loading;
  std::unique_ptr<RunnerProcess> runner;
  engine::LoadedFacts facts;
  std::optional<Error> failure;
  std::atomic<int> waiting{0};  // requests that will use it, or at least wait for its load
  std::atomic<bool> was_awaited{false};
  std::atomic<bool> must_stop{false};
  std::atomic<double> load_fraction{0};
  std::string stop_reason;  // why must_stop
  int leases = 0;
  bool is_draining = false;  // somebody else needs its memory: no leases but for those who waited
  TimePoint last_used = system_clock().now();
  api::Duration keep_alive{};
  std::chrono::system_clock::time_point expires_at;
  asio::steady_timer expiry;
};

namespace {

constexpr auto stop_grace = std::chrono::milliseconds(1500);
constexpr auto kills_remembered = std::chrono::minutes(10);
constexpr size_t kill_records_max = 1024;

std::chrono::system_clock::time_point expiry_time(api::Duration keep_alive) {
  if (keep_alive == api::forever) return std::chrono::system_clock::time_point::max();
  const auto now = system_clock().wall();
  const auto room = std::chrono::system_clock::time_point::max() - now;
  return keep_alive < room ? now + keep_alive : std::chrono::system_clock::time_point::max();
}

engine::LoadOptions load_options(const ModelInstance& instance, const Config& config) {
  engine::LoadOptions options;
  options.name = instance.model.name;
  options.threads = config.threads;
  options.context_tokens = instance.plan.context_tokens;
  options.isa = config.isa;
  options.is_precise = config.is_precise;
  options.kv_type = config.kv_cache_type;
  options.cache_bytes = instance.plan.cache_bytes;
  options.sequences_max = config.num_parallel;
  options.queue_max = config.max_queue;
  options.vocabulary_only = instance.model.vocabulary_only;
  options.speculation = config.speculation;
  options.draft_cache_bytes = instance.plan.draft_cache_bytes;
  return options;
}

// Says no when nobody waits any more, when the daemon stops, and when the load stands still.
class LoadWatch {
 public:
  LoadWatch(ModelInstance& instance, const Config& config) : instance_(instance), config_(config) {}

  bool go_on(double fraction) {
    const TimePoint now = system_clock().now();
    if (fraction != fraction_) {
      fraction_ = fraction;
      moved_at_ = now;
      instance_.load_fraction = fraction;
    }
    stands_still_ = config_.load_timeout > api::Duration(0) &&
                    config_.load_timeout != api::forever && now - moved_at_ > config_.load_timeout;
    const bool is_wanted = instance_.waiting > 0 || !instance_.was_awaited;
    return !stands_still_ && !instance_.must_stop && is_wanted;
  }

  bool stands_still() const { return stands_still_; }

 private:
  ModelInstance& instance_;
  const Config& config_;
  double fraction_ = -1;
  TimePoint moved_at_ = system_clock().now();
  bool stands_still_ = false;
};

// On a thread of the pool.
void load(ModelInstance& instance, const Config& config, RunnerProcess::Options options) {
  instance.runner = RunnerProcess::spawn(std::move(options));
  std::vector<UniqueFd> files;
  const auto open_all = [&files](const std::vector<std::filesystem::path>& paths) {
    std::vector<int> descriptors;
    for (const std::filesystem::path& path : paths) {
      files.push_back(open_for_reading(path));
      descriptors.push_back(files.back().get());
    }
    return descriptors;
  };
  const std::vector<int> weights = open_all(instance.model.weights);
  const std::vector<int> adapters = open_all(instance.model.adapters);
  const std::vector<int> draft = open_all(instance.model.draft);
  LoadWatch watch(instance, config);
  try {
    instance.facts =
        instance.runner->load({weights, adapters, draft}, load_options(instance, config),
                              [&watch](double fraction) { return watch.go_on(fraction); });
  } catch (const Error& failure) {  // says more, and a load that failed is no "try again later"
    if (watch.stands_still()) {
      throw Error(ErrorCode::internal,
                  fmt::format("loading {} stood still for {} and was given up", instance.model.name,
                              api::print_go_duration(config.load_timeout)));
    }
    if (failure.code() == ErrorCode::unavailable) throw Error(ErrorCode::internal, failure.what());
    throw;
  }
}

api::RunningModel describe(const ModelInstance& instance) {
  const bool is_loading = instance.state == InstanceState::loading;
  api::RunningModel running;
  running.name = instance.model.name;
  running.digest_hex = instance.model.digest_hex;
  running.details = instance.model.details;
  running.details.parent_model.clear();
  running.size_bytes =
      static_cast<uint64_t>(is_loading ? instance.plan.total_bytes
                                       : instance.facts.weight_bytes + instance.facts.cache_bytes);
  running.context_length =
      is_loading ? instance.plan.context_tokens : instance.facts.context_tokens;
  if (is_loading) running.load_progress = instance.load_fraction.load();
  const bool is_idle = !is_loading && instance.leases == 0;
  running.expires_at = is_idle ? instance.expires_at : expiry_time(instance.keep_alive);
  return running;
}

int64_t memory_limit(const Config& config) {
  if (config.memory_limit_bytes > 0) return config.memory_limit_bytes;
  return engine::list_devices({}).front().total_bytes / 5 * 4;
}

bool is_in_use(const ModelInstance& instance) {
  return instance.leases > 0 || instance.waiting > 0;
}

bool is_leaving(const ModelInstance& instance) {
  return instance.state == InstanceState::ending || instance.is_draining;
}

LoadedModel loaded_model(const ModelInstance& instance) {
  const bool is_idle = instance.state == InstanceState::ready && !is_in_use(instance);
  return {instance.model.weights_key, instance.plan.total_bytes, instance.keep_alive, is_idle,
          instance.last_used};
}

// A request that waits: for a load, or for room to start one.
struct Waiter {
  Wake wake;
  Wanted wanted;
  bool needs_room = false;
  InstancePointer load;  // that it waits for
};

}  // namespace

struct ModelManager::State {
  State(asio::any_io_executor the_io, WorkerPool& the_workers, const Config& the_config)
      : io(std::move(the_io)),
        workers(the_workers),
        config(the_config),
        limits{memory_limit(the_config), the_config.max_loaded_models} {}

  // Null when no runner stands for these weights.
  InstancePointer find(const std::string& key) const;
  // It gives leases: to everybody, or while it drains to those who waited for its load.
  bool is_open(const ModelInstance& instance, const InstancePointer& awaited) const;
  ModelPlan plan_for(const RunnableModel& model) const;
  // True: load now. Otherwise somebody is on the way out or will be, and everybody who waits is
  // woken when it is gone. Those who came first go first.
  bool make_room(const Waiter& waiter);
  void evict_one();
  InstancePointer start_load(const RunnableModel& model, const ModelPlan& plan);
  RunnerProcess::Options runner_options(const ModelInstance& instance);
  void finish_load(const InstancePointer& instance);
  // Stops the runner on the pool; the instance stays in the list until its memory is free.
  void end(const InstancePointer& instance);
  // The runner died by itself. Its requests have their final events already.
  void forget_dead(uint64_t id, const std::string& message);
  ModelLease lease(ModelManager& manager, const InstancePointer& instance,
                   std::optional<api::Duration> keep_alive);
  // A request has let go of it, or a load is done: when nobody uses it, it ends or its time starts
  // to run.
  void settle(const InstancePointer& instance);
  void stop_load(ModelInstance& instance, std::string reason) const;
  void start_expiry(const InstancePointer& instance);
  void notify_waiting() const {
    for (const Waiter& waiter : waiting) waiter.wake.notify();
  }

  asio::any_io_executor io;
  WorkerPool& workers;
  const Config& config;
  Limits limits;
  engine::ComputeLeaseOwner lease_owner;  // before the runners that use it
  std::vector<InstancePointer> instances;
  std::list<Waiter> waiting;  // in the order in which they came
  uint64_t last_id = 0;
  bool is_stopping = false;
  struct Kill {
    int count = 0;
    uint64_t runner_id = 0;  // of the last one
    TimePoint last;
  };
  std::map<std::string, Kill> kills;
};

bool ModelManager::State::is_open(const ModelInstance& instance,
                                  const InstancePointer& awaited) const {
  const bool is_mine = awaited.get() == &instance;
  return instance.state == InstanceState::ready && (!instance.is_draining || is_mine) &&
         instance.runner->is_alive();
}

InstancePointer ModelManager::State::find(const std::string& key) const {
  for (const InstancePointer& instance : instances) {
    if (instance->model.weights_key == key) return instance;
  }
  return nullptr;
}

ModelPlan ModelManager::State::plan_for(const RunnableModel& model) const {
  if (model.vocabulary_only) return {};
  PlanInput input;
  input.kv_type = config.kv_cache_type;
  input.sequences = config.num_parallel;
  input.memory_bytes = limits.memory_bytes;
  const bool drafts = config.speculation == engine::Speculation::automatic ||
                      config.speculation == engine::Speculation::draft;
  const std::optional<engine::ModelInfo>& draft = model.facts->draft;
  return plan_model(model.facts->info, input, drafts && draft ? &*draft : nullptr);
}

bool ModelManager::State::make_room(const Waiter& waiter) {
  std::vector<LoadedModel> loaded;
  std::vector<LoadedModel> staying;
  for (const InstancePointer& instance : instances) {
    loaded.push_back(loaded_model(*instance));
    if (!is_leaving(*instance)) staying.push_back(loaded.back());
  }
  std::vector<Wanted> before;
  for (const Waiter& other : waiting) {
    if (&other == &waiter) break;
    if (other.needs_room && other.wanted.key != waiter.wanted.key) before.push_back(other.wanted);
  }
  if (!before.empty()) return may_overtake(loaded, staying, before, waiter.wanted, limits);
  if (has_room(loaded, waiter.wanted.total_bytes, limits)) return true;
  if (staying.size() == loaded.size()) evict_one();
  return false;
}

// Nobody that is still being loaded: its requests have waited already.
void ModelManager::State::evict_one() {
  std::vector<InstancePointer> ready;
  std::vector<LoadedModel> models;
  for (const InstancePointer& instance : instances) {
    if (instance->state != InstanceState::ready) continue;
    ready.push_back(instance);
    models.push_back(loaded_model(*instance));
  }
  const std::optional<size_t> victim = choose_victim(models);
  if (!victim) return;
  log::info(fmt::format("model {} makes room for another", ready[*victim]->model.name));
  ready[*victim]->is_draining = true;
  settle(ready[*victim]);
}

RunnerProcess::Options ModelManager::State::runner_options(const ModelInstance& instance) {
  RunnerProcess::Options options;
  options.program = config.runner;
  options.model_name = instance.model.name;
  options.lease = &lease_owner;
  options.log_level = config.is_debug ? log::Level::debug : log::Level::info;
  options.on_death = [this, id = instance.id](const DeathCause& cause) {
    asio::post(io, [this, id, message = cause.message] { forget_dead(id, message); });
  };
  return options;
}

InstancePointer ModelManager::State::start_load(const RunnableModel& model, const ModelPlan& plan) {
  auto instance = std::make_shared<ModelInstance>(io);
  instance->id = ++last_id;
  instance->model = model;
  instance->plan = plan;
  instance->keep_alive = config.keep_alive;
  instances.push_back(instance);
  workers.start([this, instance, options = runner_options(*instance)]() mutable {
    try {
      load(*instance, config, std::move(options));
    } catch (const Error& failure) {  // a background job's catch site: all who wait are told
      instance->failure = failure;
    } catch (const std::exception& failure) {
      instance->failure = Error(ErrorCode::internal, failure.what());
    }
    asio::post(io, [this, instance] { finish_load(instance); });
  });
  return instance;
}

void ModelManager::State::finish_load(const InstancePointer& instance) {
  if (instance->must_stop) instance->failure = Error(ErrorCode::unavailable, instance->stop_reason);
  if (instance->failure) return end(instance);
  instance->state = InstanceState::ready;
  log::info(fmt::format("model {} is loaded: context {}, {} threads, {}, sandbox {}",
                        instance->model.name, instance->facts.context_tokens,
                        instance->facts.threads, instance->facts.isa, instance->facts.sandbox));
  settle(instance);
  notify_waiting();
}

void ModelManager::State::end(const InstancePointer& instance) {
  if (instance->state == InstanceState::ending) return;
  instance->state = InstanceState::ending;
  instance->expiry.cancel();
  notify_waiting();
  workers.start([this, instance] {
    if (instance->runner) instance->runner->stop(stop_grace);
    asio::post(io, [this, instance] {
      std::erase(instances, instance);
      notify_waiting();
    });
  });
}

void ModelManager::State::forget_dead(uint64_t id, const std::string& message) {
  for (const InstancePointer& instance : instances) {
    if (instance->id != id || instance->state != InstanceState::ready) continue;
    log::warn(message);
    return end(InstancePointer(instance));
  }
}

ModelLease ModelManager::State::lease(ModelManager& manager, const InstancePointer& instance,
                                      std::optional<api::Duration> keep_alive) {
  ++instance->leases;
  instance->last_used = system_clock().now();
  instance->expiry.cancel();
  if (keep_alive) instance->keep_alive = *keep_alive;
  return ModelLease(manager, instance);
}

void ModelManager::State::settle(const InstancePointer& instance) {
  if (instance->state != InstanceState::ready || is_in_use(*instance)) return;
  instance->last_used = system_clock().now();
  if (instance->is_draining || instance->keep_alive <= api::Duration(0)) return end(instance);
  start_expiry(instance);
  notify_waiting();
}

void ModelManager::State::stop_load(ModelInstance& instance, std::string reason) const {
  instance.stop_reason = std::move(reason);
  instance.must_stop = true;
}

void ModelManager::State::start_expiry(const InstancePointer& instance) {
  instance->expires_at = expiry_time(instance->keep_alive);
  if (instance->expires_at == std::chrono::system_clock::time_point::max()) return;
  instance->expiry.expires_after(instance->keep_alive);
  instance->expiry.async_wait([this, instance](const boost::system::error_code& failure) {
    if (failure || is_in_use(*instance) || instance->state != InstanceState::ready) return;
    log::info(fmt::format("model {} was idle for {} and is unloaded", instance->model.name,
                          api::print_go_duration(instance->keep_alive)));
    end(instance);
  });
}

namespace {

// A place in the list of waiters: counted, and woken when anything changes.
class WaitingPlace {
 public:
  using Settle = std::function<void(const InstancePointer&)>;

  WaitingPlace(std::list<Waiter>& list, size_t waiting_max, Waiter waiter, Settle settle)
      : list_(list), settle_(std::move(settle)) {
    if (list_.size() >= waiting_max) {
      throw Error(ErrorCode::unavailable,
                  fmt::format("server busy, maximum pending requests exceeded: {} wait already",
                              list_.size()));
    }
    place_ = list_.insert(list_.end(), std::move(waiter));
  }
  ~WaitingPlace() {
    wait_for(nullptr);
    list_.erase(place_);
  }
  WaitingPlace(const WaitingPlace&) = delete;
  WaitingPlace& operator=(const WaitingPlace&) = delete;

  Waiter& waiter() { return *place_; }

  // The load that is waited for; a load without anybody is given up.
  void wait_for(InstancePointer instance) {
    if (instance) {
      ++instance->waiting;
      instance->was_awaited = true;
    }
    const InstancePointer before = std::exchange(place_->load, std::move(instance));
    if (before && --before->waiting == 0) settle_(before);
  }

 private:
  std::list<Waiter>& list_;
  std::list<Waiter>::iterator place_;
  Settle settle_;
};

}  // namespace

ModelLease::~ModelLease() {
  if (!instance_) return;
  --instance_->leases;
  manager_.state_->settle(instance_);
}

uint64_t ModelLease::runner_id() const {
  return instance_->id;
}
RunnerProcess& ModelLease::runner() const {
  return *instance_->runner;
}
const engine::LoadedFacts& ModelLease::facts() const {
  return instance_->facts;
}

ModelManager::ModelManager(asio::any_io_executor io, WorkerPool& workers, const Config& config)
    : state_(std::make_unique<State>(std::move(io), workers, config)) {}

ModelManager::~ModelManager() = default;

Task<ModelLease> ModelManager::acquire(Exchange& exchange, const RunnableModel& model,
                                       std::optional<api::Duration> keep_alive) {
  const ModelPlan plan = state_->plan_for(model);
  std::optional<WaitingPlace> waiting;
  InstancePointer mine;  // the load that we wait for
  while (true) {
    exchange.throw_if_gone();
    if (state_->is_stopping) throw Error(ErrorCode::unavailable, "hearthd is shutting down");
    if (mine && mine->state == InstanceState::ending && mine->failure) {
      if (mine->failure->code() != ErrorCode::cancelled) throw Error(*mine->failure);
      mine = nullptr;  // given up because others stopped waiting; begin again
    }
    InstancePointer found = state_->find(model.weights_key);
    if (found && state_->is_open(*found, mine)) co_return state_->lease(*this, found, keep_alive);
    if (!waiting) {
      waiting.emplace(
          state_->waiting, static_cast<size_t>(state_->config.max_queue),
          Waiter{exchange.wake(), {model.weights_key, plan.total_bytes}, false, nullptr},
          [this](const InstancePointer& instance) { state_->settle(instance); });
    }
    waiting->waiter().needs_room = !found || (found != mine && is_leaving(*found));
    if (!found && state_->make_room(waiting->waiter())) {
      found = state_->start_load(model, plan);
      waiting->waiter().needs_room = false;
    }
    if (found && found->state == InstanceState::loading) mine = found;
    waiting->wait_for(mine);
    co_await exchange.wait();
  }
}

std::optional<ModelLease> ModelManager::acquire_loaded(const RunnableModel& model,
                                                       std::optional<api::Duration> keep_alive) {
  const InstancePointer found = state_->find(model.weights_key);
  if (!found || !state_->is_open(*found, nullptr)) return std::nullopt;
  return state_->lease(*this, found, keep_alive);
}

int64_t ModelManager::memory_limit_bytes() const {
  return state_->limits.memory_bytes;
}

void ModelManager::unload(const std::string& weights_key) {
  const InstancePointer instance = state_->find(weights_key);
  if (!instance) return;
  if (instance->state == InstanceState::ready) state_->end(instance);
  if (instance->state == InstanceState::loading) {
    state_->stop_load(*instance,
                      fmt::format("loading {} was stopped: the model was unloaded meanwhile",
                                  instance->model.name));
  }
}

Task<std::vector<api::RunningModel>> ModelManager::running() {
  std::vector<api::RunningModel> models;
  std::vector<InstancePointer> ready;
  for (const InstancePointer& instance : state_->instances) {
    if (instance->state == InstanceState::ending || instance->model.vocabulary_only) continue;
    models.push_back(describe(*instance));
    ready.push_back(instance->state == InstanceState::ready ? instance : nullptr);
  }
  std::function<void()> ask = [&models, &ready] {
    for (size_t i = 0; i < ready.size(); ++i) {
      if (!ready[i] || !ready[i]->runner->is_alive()) continue;
      try {
        const engine::EngineStats stats = ready[i]->runner->stats();
        models[i].running_requests = stats.running;
        models[i].waiting_requests = stats.waiting;
        models[i].cache_used_bytes = stats.cache_used_bytes;
      } catch (const Error&) {  // it died just now: the next list will not have it
      }
    }
  };
  co_await state_->workers.run(std::move(ask));
  std::sort(models.begin(), models.end(),
            [](const auto& a, const auto& b) { return a.expires_at > b.expires_at; });
  co_return models;
}

Task<void> ModelManager::stop() {
  state_->is_stopping = true;
  const std::vector<InstancePointer> all = state_->instances;
  for (const InstancePointer& instance : all) {
    state_->stop_load(*instance, "hearthd is shutting down");
    if (instance->state == InstanceState::ready) state_->end(instance);
  }
  const Wake wake(state_->io);
  while (!state_->instances.empty()) {
    co_await wake.wait_until(std::chrono::steady_clock::now() + std::chrono::milliseconds(10));
  }
}

void ModelManager::count_kill(const std::string& fingerprint, uint64_t runner_id) {
  if (state_->kills.size() >= kill_records_max) state_->kills.clear();
  const int before = kills(fingerprint);
  auto& record = state_->kills[fingerprint];
  if (record.runner_id == runner_id) return;
  record = {before + 1, runner_id, system_clock().now()};
}

int ModelManager::kills(const std::string& fingerprint) const {
  const auto found = state_->kills.find(fingerprint);
  if (found == state_->kills.end() || system_clock().now() - found->second.last > kills_remembered)
    return 0;
  return found->second.count;
}

}  // namespace hearth::daemon
