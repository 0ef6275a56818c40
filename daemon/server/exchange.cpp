#include "daemon/server/exchange.h"

namespace hearth::daemon {

void Exchange::add_header(std::string_view name, std::string_view value) {
  std::string clean(value);
  for (char& letter : clean) {
    if (static_cast<unsigned char>(letter) < 0x20) letter = ' ';
  }
  headers_.emplace_back(std::string(name), std::move(clean));
}

}  // namespace hearth::daemon
