// The manual page hearth(1), made from the command tree and the settings table.
#pragma once

#include <string>

namespace CLI {
class App;
}

namespace hearth::cli {

std::string man_page(CLI::App& app);  // troff, macros of man(7)

}  // namespace hearth::cli
