#include "engine/backend/thread_layout.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <numeric>
#include <string>

namespace hearth::engine {
namespace {

// A folder that looks like /sys to the code under test.
class FakeSys {
 public:
  FakeSys()
      : path_(std::filesystem::temp_directory_path() /
              ("hearth-thread-layout-" + std::to_string(::getpid()))) {
    std::filesystem::remove_all(path_);
  }
  ~FakeSys() { std::filesystem::remove_all(path_); }
  const std::filesystem::path& path() const { return path_; }

  void add_node(const std::string& name, const std::string& cpus) const {
    const std::filesystem::path folder = path_ / "devices/system/node" / name;
    std::filesystem::create_directories(folder);
    std::ofstream(folder / "cpulist") << cpus << "\n";
  }

 private:
  std::filesystem::path path_;
};

std::vector<int32_t> count_up(int32_t begin, int32_t end) {
  std::vector<int32_t> numbers(static_cast<size_t>(end - begin));
  std::iota(numbers.begin(), numbers.end(), begin);
  return numbers;
}

using Cpus = std::vector<std::vector<int32_t>>;

}  // namespace

TEST_CASE("the system's memory nodes, as it lists their cpus") {
  const FakeSys sys;
  CHECK(cpu_nodes(sys.path()).empty());
  sys.add_node("node0", "0-1,4");
  sys.add_node("node1", "2-3,6");
  sys.add_node("node2", "");  // memory alone
  sys.add_node("nodes", "5");
  sys.add_node("node3", "nonsense");
  CHECK(cpu_nodes(sys.path()) == std::vector<int32_t>{0, 0, 1, 1, 0, -1, 1});
  sys.add_node("node3", "7-99999999999999,8");
  CHECK(cpu_nodes(sys.path()).size() == 8);
}

TEST_CASE("with one memory node lanes are bound where every core gets one, but not the caller") {
  const std::vector<int32_t> cores = {0, 1, 4};
  for (const std::vector<int32_t>& nodes : {std::vector<int32_t>{}, {0, 0, 0, 0, 0}, {-1, 0}}) {
    const ThreadLayout whole = lay_out_threads(3, cores, nodes);
    CHECK(whole.node_count == 1);
    CHECK(whole.lane_nodes == std::vector<int32_t>{0, 0, 0});
    CHECK(whole.lane_cpus == Cpus{{}, {1}, {4}});
    CHECK(whole.text() == "3 threads");
    for (const int32_t size : {1, 2, 5}) {
      const ThreadLayout other = lay_out_threads(size, cores, nodes);
      CHECK(other.size() == size);
      for (const std::vector<int32_t>& cpus : other.lane_cpus) CHECK(cpus.empty());
    }
  }
}

TEST_CASE("a team that fits into a node stays there, a larger one takes all nodes in order") {
  // Nodes of 4 and 6 cores, numbered across each other.
  const std::vector<int32_t> nodes = {0, 1, 0, 1, 0, 1, 0, 1, 1, 1};
  const std::vector<int32_t> cores = count_up(0, 10);
  const std::vector<int32_t> larger_node = {1, 3, 5, 7, 8, 9};
  const ThreadLayout small = lay_out_threads(4, cores, nodes);
  CHECK(small.node_count == 1);
  CHECK(small.lane_cpus == Cpus(4, larger_node));
  const ThreadLayout full = lay_out_threads(6, cores, nodes);
  CHECK(full.lane_cpus == Cpus{{1}, {3}, {5}, {7}, {8}, {9}});
  const ThreadLayout whole = lay_out_threads(10, cores, nodes);
  CHECK(whole.node_count == 2);
  CHECK(whole.lane_nodes == std::vector<int32_t>{0, 0, 0, 0, 1, 1, 1, 1, 1, 1});
  CHECK(whole.lane_cpus == Cpus{{0}, {2}, {4}, {6}, {1}, {3}, {5}, {7}, {8}, {9}});
  CHECK(whole.text() == "10 threads on 2 memory nodes (4 + 6)");
  const ThreadLayout spread = lay_out_threads(7, cores, nodes);
  CHECK(spread.lane_nodes == std::vector<int32_t>{0, 0, 1, 1, 1, 1, 1});
  CHECK(spread.lane_cpus.front() == std::vector<int32_t>{0, 2, 4, 6});
  CHECK(spread.lane_cpus.back() == larger_node);
  // More threads than cores.
  CHECK(lay_out_threads(25, cores, nodes).size() == 25);
}

TEST_CASE("rows belong to the node of the lane that owns their share") {
  const std::vector<int32_t> nodes = {0, 0, 1, 1};
  const std::vector<int32_t> cores = count_up(0, 4);
  const ThreadLayout layout = lay_out_threads(4, cores, nodes);
  for (const int64_t rows : {1, 3, 4, 100, 1001}) {
    for (int32_t lane = 0; lane < 4; ++lane) {
      for (int64_t row = rows * lane / 4; row < rows * (lane + 1) / 4; ++row)
        REQUIRE(node_of_row(layout, row, rows) == lane / 2);
    }
  }
  CHECK(node_of_row(lay_out_threads(3, cores, {}), 5, 6) == 0);
}

TEST_CASE("the layout of this machine has every lane") {
  for (const int32_t size : {1, 2, 3}) CHECK(lay_out_threads(size).size() == size);
}

}  // namespace hearth::engine
