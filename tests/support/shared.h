// Where the shared test data lies, when it is there. Tests that need it skip visibly where it is
// not:
//   const auto path = shared_path("oracle/quants");
//   if (!path) { WARN("skipped: shared data is absent"); return; }
#pragma once

#include <filesystem>
#include <optional>
#include <string_view>

namespace hearth::testing {

// `relative` below the shared folder that lies beside (or one above) the checkout; absent when it
// does not exist.
inline std::optional<std::filesystem::path> shared_path(std::string_view relative) {
  const std::filesystem::path source(HEARTH_SOURCE_DIR);
  for (const char* base : {"../shared", "../../shared"}) {
    const std::filesystem::path candidate = source / base / relative;
    if (std::filesystem::exists(candidate)) return candidate;
  }
  return std::nullopt;
}

}  // namespace hearth::testing
