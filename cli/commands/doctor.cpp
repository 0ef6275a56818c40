// `hearth doctor`: one page of checks; 1 when something is broken.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "cli/checks.h"
#include "cli/commands.h"
#include "cli/terminal.h"

namespace hearth::cli {

int doctor(const Config& config, bool is_json) {
  bool is_broken = false;
  Json rows = Json::array();
  std::string page;
  for (const Finding& finding : check_everything(Client(config))) {
    is_broken |= finding.health == Health::broken;
    rows.push_back({{"check", finding.check},
                    {"health", name_of(finding.health)},
                    {"found", finding.found},
                    {"fix", finding.fix}});
    page += fmt::format("{:<8} {:<14} {}\n", name_of(finding.health), finding.check, finding.found);
    if (!finding.fix.empty()) page += fmt::format("{:<24}to do: {}\n", "", finding.fix);
  }
  print(is_json ? Json{{"checks", rows}, {"broken", is_broken}}.dump(2) + "\n" : page);
  return is_broken ? 1 : 0;
}

}  // namespace hearth::cli
