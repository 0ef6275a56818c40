// Every setting of hearth: one table that the daemon, the command line, their help, `config show`
// and the docs read, and the rule of which source wins. Pure: flags, variables and files come in as
// values (base/config.h reads them).
#pragma once

#include <cstdint>
#include <initializer_list>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/duration.h"

namespace hearth::api {

enum class SettingKind {
  text,
  path,      // "~/" is the home folder, /var/lib/hearth where there is none
  address,   // host, host:port, :port, scheme://host[:port] (api/address.h)
  list,      // separated by commas; a list in brackets in a file
  toggle,    // 1, true, 0, false; a flag without a value
  count,     // a whole number within [min, max]
  bytes,     // a whole number; K, M, G, T understood, powers of 1024
  duration,  // Go's "5m", or seconds; negative: for ever
  choice,    // one of `choices`
};

enum class SettingUser { daemon, cli, both };

// One row. `name` is the flag without its dashes and the key in files.
struct Setting {
  std::string_view name;
  std::string_view environment;  // "HEARTH_KEEP_ALIVE"
  std::string_view ollama = "";  // Ollama's name, honoured when ours is not set; empty: none
  SettingKind kind = SettingKind::text;
  SettingUser user = SettingUser::daemon;
  std::string_view default_text = "";  // as somebody would write it; empty: see help
  std::string_view unit = "";          // what a value is, for people
  std::string_view help = "";          // one line
  int64_t min = 0;                     // of a count
  int64_t max = 1'000'000;
  std::string_view choices =
      "";  // separated by spaces; "" is always allowed when it is the default
  bool is_secret = false;
};

std::span<const Setting> settings();
// nullptr when there is none. '_' counts as '-'.
const Setting* find_setting(std::string_view name);
// The name that is written most like `name`; empty when none is near.
std::string nearest_setting(std::string_view name);

// A variable of Ollama's that has no effect here, and why that is no loss or what to do instead.
struct IgnoredVariable {
  std::string_view name;
  std::string_view reason;
};
std::span<const IgnoredVariable> ignored_variables();

struct ConfigFile {
  std::string path;
  std::string text;
};

struct SettingSources {
  std::map<std::string, std::string> flags;        // by name
  std::map<std::string, std::string> environment;  // all variables of the process
  std::vector<ConfigFile> files;                   // the strongest first
};

struct SettingValue {
  const Setting* setting;
  std::string text;    // as written
  std::string origin;  // "default", "flag --host", "HEARTH_HOST", "OLLAMA_HOST", "/path/config:3"
};

// What holds, and where it came from. The accessors take the name of a row; a wrong name or kind is
// a bug.
class Settings {
 public:
  const std::string& text(std::string_view name) const;  // text, address and choice
  std::string path(std::string_view name) const;         // with the home folder for "~/"
  bool is_on(std::string_view name) const;
  int64_t count(std::string_view name) const;  // count and bytes
  Duration duration(std::string_view name) const;
  std::vector<std::string> list(std::string_view name) const;

  const SettingValue& value(std::string_view name) const;
  const std::vector<SettingValue>& values() const { return values_; }  // in the table's order
  // One line each: variables of Ollama's without effect or with a value that cannot be used, and
  // variables that look like ours but are not.
  const std::vector<std::string>& warnings() const { return warnings_; }

 private:
  friend Settings load_settings(const SettingSources& sources);
  const SettingValue& row(std::string_view name, std::initializer_list<SettingKind> kinds) const;

  std::vector<SettingValue> values_;
  std::vector<std::string> warnings_;
  std::string home_;
};

// Flag, else our variable, else Ollama's, else the files in their order, else the default. Throws
// Error{invalid_argument} naming the flag, variable or line of a file whose value is wrong, and the
// nearest name for a key that does not exist. A wrong value in one of Ollama's variables is a
// warning, as Ollama has it; a switch of Ollama's is on for any value it does not understand.
Settings load_settings(const SettingSources& sources);

// Readers of single values. They throw Error{invalid_argument} with what was expected and found.
bool parse_toggle(std::string_view text);
int64_t parse_bytes(std::string_view text);
Duration parse_duration(std::string_view text);
std::vector<std::string> split_commas(std::string_view text);

// The value as shown to people: "(secret)" for a secret that is set.
std::string shown_value(const SettingValue& value);
// "where to listen ... [127.0.0.1:11434] (HEARTH_HOST, OLLAMA_HOST)": what help says of a row.
std::string setting_help(const Setting& setting);

}  // namespace hearth::api
