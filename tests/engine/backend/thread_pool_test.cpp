#include "engine/backend/thread_pool.h"

#include <sched.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <ctime>
#include <thread>
#include <vector>

#include "engine/backend/thread_count.h"

namespace hearth::engine {

TEST_CASE("every lane runs once per call and barriers keep them in step") {
  for (int32_t size : {1, 2, 3, 5}) {
    ThreadTeam team(size);
    constexpr int rounds = 200;
    std::vector<int> counts(static_cast<size_t>(size), 0);
    int completions = 0;
    bool in_step = true;
    auto body = [&](int32_t lane) {
      for (int round = 0; round < rounds; ++round) {
        ++counts[static_cast<size_t>(lane)];
        // The last lane to arrive sees what all of them wrote, and no lane is ahead.
        team.barrier([&] {
          ++completions;
          for (int count : counts) in_step = in_step && count == counts[0];
        });
      }
    };
    team.run(body);
    team.run(body);
    CHECK(in_step);
    CHECK(completions == 2 * rounds);
    for (int count : counts) CHECK(count == 2 * rounds);
  }
}

TEST_CASE("lanes run where their layout puts them, and the caller only meanwhile") {
  const std::vector<int32_t> cpus = allowed_cpus();
  const std::vector<int32_t> nodes = {0, 1};
  const ThreadLayout layout{2, nodes, {{cpus.front()}, {cpus.back()}}};
  ThreadTeam team(layout);
  std::vector<int32_t> seen(2, -1);
  auto body = [&](int32_t lane) { seen[static_cast<size_t>(lane)] = ::sched_getcpu(); };
  team.run(body);
  CHECK(seen == std::vector<int32_t>{cpus.front(), cpus.back()});
  CHECK(allowed_cpus() == cpus);
  CHECK(team.layout().node_count == 2);
}

TEST_CASE("an idle team sleeps") {
  ThreadTeam team(3);
  auto body = [](int32_t) {};
  team.run(body);
  const std::clock_t before = std::clock();
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  const double busy_s = static_cast<double>(std::clock() - before) / CLOCKS_PER_SEC;
  CHECK(busy_s < 0.1);
  // And wakes again.
  int runs = 0;
  auto count = [&](int32_t lane) {
    if (lane == 0) ++runs;
  };
  team.run(count);
  CHECK(runs == 1);
}

}  // namespace hearth::engine
