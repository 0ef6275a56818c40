// The rows of api/settings.h as flags of a program. The only place where they meet the library that
// reads command lines.
#pragma once

#include <map>
#include <string>

#include "api/settings.h"

namespace CLI {
class App;
}

namespace hearth::api {

class SettingFlags {
 public:
  // Adds a flag for every row that `user` reads ("both" rows are read by either). The flags live in
  // `app`, which must outlive this; call given() after it has parsed.
  SettingFlags(CLI::App& app, SettingUser user);

  // What was written on the command line, by name: the `flags` of load_settings.
  std::map<std::string, std::string> given() const;

 private:
  CLI::App& app_;
  std::map<std::string, std::string> values_;  // nodes stay where they are: the library writes here
};

}  // namespace hearth::api
