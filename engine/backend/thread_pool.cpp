#include "engine/backend/thread_pool.h"

#include <pthread.h>
#include <sched.h>

#include <chrono>
#include <string>
#include <system_error>
#include <utility>

#include "base/check.h"
#include "base/cpu_relax.h"
#include "base/error.h"

namespace hearth::engine {
namespace {

constexpr auto spin_time = std::chrono::microseconds(50);
constexpr int spins_per_clock_read = 64;

// Binding is a hint: where the system refuses it, the thread runs where it may.
void bind(pthread_t thread, const std::vector<int32_t>& cpus) {
  if (cpus.empty()) return;
  cpu_set_t set;
  CPU_ZERO(&set);
  for (const int32_t cpu : cpus) {
    if (cpu < CPU_SETSIZE) CPU_SET(static_cast<size_t>(cpu), &set);
  }
  static_cast<void>(pthread_setaffinity_np(thread, sizeof(set), &set));
}

// The calling thread on these CPUs, and then again where it was: threads that it starts later shall
// not inherit them. Does nothing for none.
class CallerBinding {
 public:
  explicit CallerBinding(const std::vector<int32_t>& cpus) {
    if (cpus.empty()) return;
    is_bound_ = pthread_getaffinity_np(pthread_self(), sizeof(before_), &before_) == 0;
    if (is_bound_) bind(pthread_self(), cpus);
  }
  ~CallerBinding() {
    if (is_bound_)
      static_cast<void>(pthread_setaffinity_np(pthread_self(), sizeof(before_), &before_));
  }
  CallerBinding(const CallerBinding&) = delete;
  CallerBinding& operator=(const CallerBinding&) = delete;

 private:
  bool is_bound_ = false;
  cpu_set_t before_{};
};

}  // namespace

ThreadTeam::ThreadTeam(ThreadLayout layout) : layout_(std::move(layout)), size_(layout_.size()) {
  HEARTH_CHECK(size_ >= 1);
  try {
    for (int32_t lane = 1; lane < size_; ++lane) {
      threads_.emplace_back([this, lane] { worker(lane); });
      bind(threads_.back().native_handle(), layout_.lane_cpus[static_cast<size_t>(lane)]);
    }
  } catch (const std::system_error& error) {
    stop_workers();
    throw Error(ErrorCode::unavailable, "cannot start " + std::to_string(size_) +
                                            " compute threads: " + error.what() +
                                            "; ask for fewer");
  }
}

ThreadTeam::~ThreadTeam() {
  stop_workers();
}

void ThreadTeam::stop_workers() {
  stopping_ = true;
  advance(epoch_);
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

void ThreadTeam::run_erased(Entry entry, void* context) {
  const CallerBinding binding(layout_.lane_cpus.front());
  entry_ = entry;
  context_ = context;
  advance(epoch_);
  entry(context, 0);
  barrier([] {});
}

void ThreadTeam::worker(int32_t lane) {
  uint32_t epoch = 0;
  while (true) {
    wait_while(epoch_, epoch);
    ++epoch;
    if (stopping_) return;
    entry_(context_, lane);
    barrier([] {});
  }
}

void ThreadTeam::advance(std::atomic<uint32_t>& word) {
  word.fetch_add(1);
  word.notify_all();
}

void ThreadTeam::wait_while(const std::atomic<uint32_t>& word, uint32_t value) {
  const auto deadline = std::chrono::steady_clock::now() + spin_time;
  while (true) {
    for (int i = 0; i < spins_per_clock_read; ++i) {
      if (word.load(std::memory_order_acquire) != value) return;
      cpu_relax();
    }
    if (std::chrono::steady_clock::now() >= deadline) break;
  }
  while (word.load(std::memory_order_acquire) == value) word.wait(value);
}

}  // namespace hearth::engine
