#include "engine/backend/available_memory.h"

#include <catch2/catch.hpp>
#include <fstream>
#include <string>

#include "tests/support/temp_folder.h"

namespace hearth::engine {
namespace {

// A folder that looks like / to the code under test.
struct FakeRoot {
  testing::TempFolder folder;

  void write(const std::string& name, const std::string& text) const {
    std::filesystem::create_directories((folder.path() / name).parent_path());
    std::ofstream(folder.path() / name) << text << "\n";
  }
  int64_t available() const { return available_memory(folder.path()); }
};

}  // namespace

TEST_CASE("available is what the system says, or what the control groups leave") {
  const FakeRoot root;
  CHECK(root.available() == 0);
  root.write("proc/meminfo", "MemTotal:       4000 kB\nMemAvailable:   3000 kB");
  CHECK(root.available() == 3000 * 1024);
  root.write("proc/self/cgroup", "0::/user/inner");
  root.write("sys/fs/cgroup/user/inner/memory.max", "max");
  root.write("sys/fs/cgroup/user/inner/memory.current", "500000");
  CHECK(root.available() == 3000 * 1024);
  root.write("sys/fs/cgroup/user/memory.max", "2000000");
  root.write("sys/fs/cgroup/user/memory.current", "1500000");
  CHECK(root.available() == 500000);
  // Files in its cache are given up when the group needs the memory.
  root.write("sys/fs/cgroup/user/memory.stat",
             "anon 900000\ninactive_file 300000\nactive_file 100000");
  CHECK(root.available() == 900000);
  root.write("sys/fs/cgroup/user/memory.max", "1000000");
  root.write("sys/fs/cgroup/user/memory.stat", "anon 1500000");
  CHECK(root.available() == 0);
}

TEST_CASE("control groups of version 1") {
  const FakeRoot root;
  root.write("proc/meminfo", "MemAvailable:   3000 kB");
  root.write("proc/self/cgroup", "5:memory:/docker/x\n4:cpu,cpuacct:/docker/x");
  root.write("sys/fs/cgroup/memory/memory.limit_in_bytes", "1000000");
  root.write("sys/fs/cgroup/memory/memory.usage_in_bytes", "600000");
  root.write("sys/fs/cgroup/memory/memory.stat", "inactive_file 5\ntotal_inactive_file 200000");
  CHECK(root.available() == 600000);
}

TEST_CASE("weights get what the cache and a reserve leave") {
  constexpr int64_t gib = int64_t{1} << 30;
  CHECK(weight_memory(0, 0) == 0);
  CHECK(weight_memory(gib / 8, 0) == 0);
  CHECK(weight_memory(16 * gib, 2 * gib) == 13 * gib);
  CHECK(weight_memory(16 * gib, 0) == 11 * gib);
  CHECK(weight_memory(2 * gib, gib) == gib - gib / 4);
}

}  // namespace hearth::engine
