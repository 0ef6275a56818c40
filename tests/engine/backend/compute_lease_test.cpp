// The compute lease between threads and between processes: exclusion, fairness by time, and
// participants that die.
#include "engine/backend/compute_lease.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <functional>
#include <thread>
#include <vector>

#include "base/error.h"
#include "engine/compute_lease_owner.h"

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;
using std::chrono_literals::operator""us;
using hearth::Error;
using hearth::UniqueFd;
using hearth::engine::ComputeLease;
using hearth::engine::ComputeLeaseOwner;
using Clock = std::chrono::steady_clock;

namespace {

void burn(std::chrono::microseconds time) {
  const auto end = Clock::now() + time;
  while (Clock::now() < end) {
  }
}

// A child that shares the lease; `ready` is a pipe end it may write to.
pid_t start_child(const std::function<void()>& body) {
  const pid_t child = ::fork();
  if (child == 0) {
    body();
    ::_exit(0);
  }
  return child;
}

void wait_for_byte(int fd) {
  char byte = 0;
  REQUIRE(::read(fd, &byte, 1) == 1);
}

}  // namespace

TEST_CASE("lease: one at a time") {
  ComputeLeaseOwner owner;
  std::atomic<int> inside{0};
  std::atomic<int> overlaps{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      const auto lease = ComputeLease::attach(owner.fd());
      for (int step = 0; step < 2000; ++step) {
        const ComputeLease::Turn turn(lease.get());
        if (inside.fetch_add(1) != 0) overlaps.fetch_add(1);
        if (step % 64 == 0) std::this_thread::yield();
        inside.fetch_sub(1);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(overlaps == 0);
}

TEST_CASE("lease: time is shared fairly between long and short steps") {
  ComputeLeaseOwner owner;
  std::atomic<bool> is_over{false};
  std::atomic<int64_t> held_us[2] = {0, 0};
  const std::chrono::microseconds step[2] = {20ms, 1ms};
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&, i] {
      const auto lease = ComputeLease::attach(owner.fd());
      while (!is_over) {
        const ComputeLease::Turn turn(lease.get());
        const auto begin = Clock::now();
        std::this_thread::sleep_for(step[i]);
        held_us[i] +=
            std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - begin).count();
      }
    });
  }
  std::this_thread::sleep_for(1500ms);
  is_over = true;
  for (std::thread& thread : threads) thread.join();
  const double share = double(held_us[0]) / double(held_us[0] + held_us[1]);
  INFO("share of the model with long steps: " << share);
  CHECK(share > 0.4);
  CHECK(share < 0.6);
  // Little is lost between turns.
  CHECK(held_us[0] + held_us[1] > 1200'000);
}

TEST_CASE("lease: who rested gains no time to catch up on") {
  ComputeLeaseOwner owner;
  const auto busy = ComputeLease::attach(owner.fd());
  for (int i = 0; i < 300; ++i) {
    const ComputeLease::Turn turn(busy.get());
    burn(2ms);
  }
  // 600 ms ahead now. A newcomer must not get all of that before `busy` is served again.
  std::atomic<bool> is_over{false};
  std::thread newcomer([&] {
    const auto lease = ComputeLease::attach(owner.fd());
    while (!is_over) {
      const ComputeLease::Turn turn(lease.get());
      std::this_thread::sleep_for(1ms);
    }
  });
  std::this_thread::sleep_for(20ms);
  const auto begin = Clock::now();
  { const ComputeLease::Turn turn(busy.get()); }
  CHECK(Clock::now() - begin < 400ms);
  is_over = true;
  newcomer.join();
}

TEST_CASE("lease: a process killed while it holds the lease leaves nobody stuck") {
  ComputeLeaseOwner owner;
  int pipe_fds[2];
  REQUIRE(::pipe2(pipe_fds, O_CLOEXEC) == 0);
  const UniqueFd reads(pipe_fds[0]);
  const UniqueFd writes(pipe_fds[1]);
  for (int round = 0; round < 20; ++round) {
    const pid_t child = start_child([&] {
      const auto lease = ComputeLease::attach(owner.fd());
      lease->acquire();
      if (::write(writes.get(), "x", 1) == 1) ::pause();
    });
    wait_for_byte(reads.get());
    const auto lease = ComputeLease::attach(owner.fd());
    std::thread killer([&] {
      std::this_thread::sleep_for(5ms);
      ::kill(child, SIGKILL);
      ::waitpid(child, nullptr, 0);
      owner.forget(child);
    });
    const auto begin = Clock::now();
    lease->acquire();
    CHECK(Clock::now() - begin < 3s);
    lease->release();
    killer.join();
  }
}

TEST_CASE("lease: processes killed at random moments leave nobody stuck") {
  ComputeLeaseOwner owner;
  const auto lease = ComputeLease::attach(owner.fd());
  for (int round = 0; round < 30; ++round) {
    std::vector<pid_t> children;
    for (int i = 0; i < 2; ++i) {
      children.push_back(start_child([&] {
        const auto other = ComputeLease::attach(owner.fd());
        for (;;) {
          const ComputeLease::Turn turn(other.get());
          burn(50us);
        }
      }));
    }
    std::this_thread::sleep_for(std::chrono::microseconds(3000 + 137 * round));
    for (const pid_t child : children) ::kill(child, SIGKILL);
    for (const pid_t child : children) {
      ::waitpid(child, nullptr, 0);
      owner.forget(child);
    }
    const auto begin = Clock::now();
    for (int i = 0; i < 10; ++i) {
      const ComputeLease::Turn turn(lease.get());
    }
    CHECK(Clock::now() - begin < 3s);
  }
}

TEST_CASE("lease: a holder that never lets go is passed after the stall limit") {
  ComputeLeaseOwner owner;
  const auto stuck = ComputeLease::attach(owner.fd());
  stuck->acquire();
  const auto lease = ComputeLease::attach(owner.fd(), 50ms);
  const auto begin = Clock::now();
  lease->acquire();
  CHECK(Clock::now() - begin > 40ms);
  CHECK(Clock::now() - begin < 2s);
  lease->release();
  stuck->release();
  lease->acquire();
  lease->release();
}

TEST_CASE("lease: waiting is visible to the watchdog") {
  ComputeLeaseOwner owner;
  const auto holder = ComputeLease::attach(owner.fd());
  const auto waiter = ComputeLease::attach(owner.fd());
  holder->acquire();
  std::thread thread([&] {
    waiter->acquire();
    waiter->release();
  });
  const auto end = Clock::now() + 5s;
  while (!waiter->is_waiting() && Clock::now() < end) std::this_thread::sleep_for(1ms);
  CHECK(waiter->is_waiting());
  holder->release();
  thread.join();
  CHECK_FALSE(waiter->is_waiting());
}

TEST_CASE("lease: uncontended turns cost less than a microsecond") {
  ComputeLeaseOwner owner;
  const auto lease = ComputeLease::attach(owner.fd());
  auto best = Clock::duration::max();
  for (int round = 0; round < 20; ++round) {
    const auto begin = Clock::now();
    for (int i = 0; i < 1000; ++i) {
      const ComputeLease::Turn turn(lease.get());
    }
    best = std::min(best, (Clock::now() - begin) / 1000);
  }
  INFO("nanoseconds per turn: " << std::chrono::nanoseconds(best).count());
#ifdef NDEBUG
  CHECK(best < 1us);
#else
  CHECK(best < 10us);
#endif
}

TEST_CASE("lease: only a lease can be attached, and only 64 times") {
  ComputeLeaseOwner owner;
  const UniqueFd other(::memfd_create("other", MFD_CLOEXEC));
  CHECK_THROWS_AS(ComputeLease::attach(other.get()), Error);
  CHECK_THROWS_AS(ComputeLease::attach(-1), Error);
  std::vector<std::unique_ptr<ComputeLease>> places;
  for (int i = 0; i < 64; ++i) places.push_back(ComputeLease::attach(owner.fd()));
  CHECK_THROWS_WITH(ComputeLease::attach(owner.fd()),
                    "all 64 places of the compute lease are taken");
  places.pop_back();
  CHECK_NOTHROW(ComputeLease::attach(owner.fd()));
}
