#include "engine/backend/thread_pool.h"

#include <pthread.h>
#include <sched.h>

#include <chrono>
#include <string>
#include <system_error>

#include "base/check.h"
#include "base/cpu_relax.h"
#include "base/error.h"
#include "engine/backend/thread_count.h"

namespace hearth::engine {
namespace {

constexpr auto spin_time = std::chrono::microseconds(50);
constexpr int spins_per_clock_read = 64;

// Binding is a hint: where the system refuses it, the thread runs where it may.
void bind_to_cpu(std::thread& thread, int32_t cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<size_t>(cpu), &set);
  static_cast<void>(pthread_setaffinity_np(thread.native_handle(), sizeof(set), &set));
}

}  // namespace

ThreadTeam::ThreadTeam(int32_t size) : size_(size) {
  HEARTH_CHECK(size >= 1);
  const std::vector<int32_t> cores = physical_cores(allowed_cpus(), "/sys");
  try {
    for (int32_t lane = 1; lane < size; ++lane) {
      threads_.emplace_back([this, lane] { worker(lane); });
      if (static_cast<size_t>(size) == cores.size()) {
        bind_to_cpu(threads_.back(), cores[static_cast<size_t>(lane)]);
      }
    }
  } catch (const std::system_error& error) {
    stop_workers();
    throw Error(ErrorCode::unavailable, "cannot start " + std::to_string(size) +
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
