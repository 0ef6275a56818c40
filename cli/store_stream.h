// The daemon's long operations on its store, as commands follow them.
#pragma once

#include <functional>
#include <string>

#include "cli/client.h"

namespace hearth::cli {

// Sends `body` and shows bars for what is answered until the last line, which is returned. Lines
// that `on_line` takes (returns true for) are not shown as bars. Throws as Client::stream does, and
// Error{cancelled} with `after_interrupt` when Ctrl-C was pressed.
Json follow(const Client& client, const std::string& path, const Json& body,
            const std::string& after_interrupt,
            const std::function<bool(const Json&)>& on_line = {});

// Brings a model into the store, with bars. `limit_rate`: see TransferOptions.
void pull_model(const Client& client, const std::string& model, bool is_insecure,
                const std::string& limit_rate = "");

}  // namespace hearth::cli
