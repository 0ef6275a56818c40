// Loading a model behind a progress bar.
#pragma once

#include <string>

#include "cli/client.h"

namespace hearth::cli {

// What /api/show says of the model, which is pulled when it is not there. Throws
// Error{not_found} with what to do where it cannot be had.
Json find_model(const Client& client, const std::string& model, bool is_insecure);

// Returns when the model is loaded; throws as Client::post does. `keep_alive` as the API takes it,
// empty: the daemon's default.
void load_model(const Client& client, const std::string& model, const std::string& keep_alive);

}  // namespace hearth::cli
