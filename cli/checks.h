// What `hearth doctor` looks at. A check that finds something says what it is in one line and what
// to do in another.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "cli/client.h"

namespace hearth::cli {

enum class Health { good, warning, broken };

struct Finding {
  std::string check;  // "store", "daemon" ...
  Health health = Health::good;
  std::string found;
  std::string fix;  // empty when good
};

std::string_view name_of(Health health);  // "ok", "warning", "broken"

// Needs the daemon's answers, the settings and hearth-runner. Throws nothing: what cannot be found
// out is a finding.
std::vector<Finding> check_everything(const Client& client);

// The parts that need nothing but their arguments.

// A folder that models are kept in or will be made in. Names path, user and the missing permission.
Finding check_store(const std::filesystem::path& folder);
Finding check_disk(const std::filesystem::path& folder);
// `machine` is the answer of `hearth-runner machine`; `has_nvidia`: the kernel shows such a device.
std::vector<Finding> check_machine(const Json& machine, bool has_nvidia);
// The memory this process may use: the machine's, or less where a control group below `root` says
// so.
Finding check_memory(const std::filesystem::path& root);
Finding check_settings(const api::Settings& settings);

}  // namespace hearth::cli
