// A team of compute threads that runs one function in lockstep. Lanes 0..size-1; lane 0 is the
// calling thread. Waiting spins for about 50 microseconds, because the next matrix is usually that
// close, and then sleeps: an idle team costs nothing.
#pragma once

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

#include "engine/backend/thread_layout.h"

namespace hearth::engine {

class ThreadTeam {
 public:
  // Starts size - 1 threads where lay_out_threads puts them. On a machine with several memory
  // nodes the caller of run is bound too, as long as it is in there. Throws Error{unavailable} when
  // the system refuses a thread.
  explicit ThreadTeam(int32_t size) : ThreadTeam(lay_out_threads(size)) {}
  explicit ThreadTeam(ThreadLayout layout);
  ~ThreadTeam();
  ThreadTeam(const ThreadTeam&) = delete;
  ThreadTeam& operator=(const ThreadTeam&) = delete;

  int32_t size() const { return size_; }
  const ThreadLayout& layout() const { return layout_; }

  // Calls body(lane) on every lane, returns when all are done. One caller at a time; body must not
  // throw.
  template <class Body>
  void run(Body& body) {
    run_erased([](void* context, int32_t lane) noexcept { (*static_cast<Body*>(context))(lane); },
               &body);
  }

  // Inside run, on every lane: waits until all lanes are here. The last one to arrive calls
  // `completion` first, so small serial work costs no barrier of its own.
  template <class Completion>
  void barrier(Completion&& completion) {
    const uint32_t generation = generation_.load(std::memory_order_relaxed);
    if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == size_) {
      completion();
      arrived_.store(0, std::memory_order_relaxed);
      advance(generation_);
    } else {
      wait_while(generation_, generation);
    }
  }

 private:
  using Entry = void (*)(void*, int32_t) noexcept;

  void run_erased(Entry entry, void* context);
  void worker(int32_t lane);
  void stop_workers();
  static void advance(std::atomic<uint32_t>& word);
  static void wait_while(const std::atomic<uint32_t>& word, uint32_t value);

  ThreadLayout layout_;
  int32_t size_;
  Entry entry_ = nullptr;
  void* context_ = nullptr;
  bool stopping_ = false;
  alignas(64) std::atomic<uint32_t> epoch_{0};  // advanced once per run
  alignas(64) std::atomic<int32_t> arrived_{0};
  alignas(64) std::atomic<uint32_t> generation_{0};  // advanced once per barrier
  std::vector<std::thread> threads_;
};

}  // namespace hearth::engine
