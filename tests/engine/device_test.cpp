// The machine's devices: the processor always, GPUs where the plug-in and a device are.
#include "engine/device.h"

#include <catch2/catch.hpp>

using namespace hearth::engine;

TEST_CASE("the processor is the first device and has memory") {
  const auto devices = list_devices(HEARTH_BIN_DIR);
  REQUIRE_FALSE(devices.empty());
  CHECK(devices[0].kind == DeviceKind::cpu);
  CHECK_FALSE(devices[0].name.empty());
  CHECK(devices[0].total_bytes > 0);
  CHECK(devices[0].free_bytes <= devices[0].total_bytes);
}

TEST_CASE("a folder without the plug-in has no GPU row") {
  CHECK(list_devices("/").size() == 1);
}

TEST_CASE("GPUs are listed with their memory") {
  const auto devices = list_devices(HEARTH_BIN_DIR);
  if (devices.size() == 1) {
    WARN("skipped: no CUDA plug-in or no GPU here");
    return;
  }
  for (size_t i = 1; i < devices.size(); ++i) {
    CHECK(devices[i].kind == DeviceKind::cuda);
    CHECK_FALSE(devices[i].name.empty());
    CHECK(devices[i].total_bytes > (int64_t{1} << 30));
  }
}
