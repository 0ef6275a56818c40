#include "engine/backend/thread_count.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <string>

namespace hearth::engine {
namespace {

// A folder that looks like / to the code under test.
class FakeRoot {
 public:
  FakeRoot() {
    path_ = std::filesystem::temp_directory_path() /
            ("hearth-thread-count-" + std::to_string(::getpid()));
    std::filesystem::remove_all(path_);
    std::filesystem::create_directories(path_);
  }
  ~FakeRoot() { std::filesystem::remove_all(path_); }
  const std::filesystem::path& path() const { return path_; }

  void write(const std::string& name, const std::string& text) const {
    std::filesystem::create_directories((path_ / name).parent_path());
    std::ofstream(path_ / name) << text << "\n";
  }

 private:
  std::filesystem::path path_;
};

}  // namespace

TEST_CASE("quota of a version 2 control group is the smallest up to the root") {
  const FakeRoot root;
  CHECK(cgroup_cpu_quota(root.path()) == 0);
  root.write("proc/self/cgroup", "0::/user/inner");
  root.write("sys/fs/cgroup/user/inner/cpu.max", "max 100000");
  CHECK(cgroup_cpu_quota(root.path()) == 0);
  root.write("sys/fs/cgroup/user/cpu.max", "150000 100000");
  CHECK(cgroup_cpu_quota(root.path()) == Approx(1.5));
  root.write("sys/fs/cgroup/user/inner/cpu.max", "50000 100000");
  CHECK(cgroup_cpu_quota(root.path()) == Approx(0.5));
  root.write("sys/fs/cgroup/user/inner/cpu.max", "nonsense");
  CHECK(cgroup_cpu_quota(root.path()) == Approx(1.5));
}

TEST_CASE("quota of a version 1 control group; in a container the group is the mount's root") {
  const FakeRoot root;
  root.write("proc/self/cgroup", "5:memory:/docker/x\n4:cpu,cpuacct:/docker/x");
  root.write("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "200000");
  root.write("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000");
  CHECK(cgroup_cpu_quota(root.path()) == Approx(2.0));
  root.write("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1");
  CHECK(cgroup_cpu_quota(root.path()) == 0);
}

TEST_CASE("hyper-threads of one core count once, other packages separately") {
  const FakeRoot root;
  const auto cpu = [&](int index, int package, int core) {
    const std::string folder = "devices/system/cpu/cpu" + std::to_string(index) + "/topology/";
    root.write(folder + "physical_package_id", std::to_string(package));
    root.write(folder + "core_id", std::to_string(core));
  };
  cpu(0, 0, 0);
  cpu(1, 0, 1);
  cpu(2, 0, 0);
  cpu(3, 1, 0);
  const std::vector<int32_t> all = {0, 1, 2, 3};
  CHECK(physical_cores(all, root.path()) == std::vector<int32_t>{0, 1, 3});
  const std::vector<int32_t> siblings = {0, 2};
  CHECK(physical_cores(siblings, root.path()) == std::vector<int32_t>{0});
  const std::vector<int32_t> unknown = {8, 9};
  CHECK(physical_cores(unknown, root.path()) == unknown);
}

TEST_CASE("the default is at least one thread and at most the allowed cpus") {
  CHECK(default_thread_count() >= 1);
  CHECK(default_thread_count() <= static_cast<int32_t>(allowed_cpus().size()));
}

}  // namespace hearth::engine
