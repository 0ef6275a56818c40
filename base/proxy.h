// Which proxy an address is reached through: the variables that all programs share (https_proxy,
// http_proxy, all_proxy, no_proxy).
#pragma once

#include <map>
#include <string>

#include "base/url.h"

namespace hearth {

// The proxy's address; empty: none. Names in small letters win over capital ones; HTTP_PROXY in
// capital letters is not read, because web servers let their clients set it.
std::string proxy_for(const Url& url, const std::map<std::string, std::string>& environment);

}  // namespace hearth
