// The table of contents of the server.
#include "daemon/routes.h"

#include <array>

#include "daemon/handlers/handlers.h"

namespace hearth::daemon {
namespace {

constexpr std::array table{
    Route{"GET HEAD", "/", handlers::root},
    Route{"GET HEAD", "/api/version", handlers::version},
    Route{"GET", "/api/status", handlers::status},

    Route{"POST", "/api/chat", handlers::chat},
    Route{"POST", "/api/generate", handlers::generate},
    Route{"POST", "/api/embed", handlers::embed},
    Route{"POST", "/api/embeddings", handlers::embeddings},
    Route{"POST", "/api/tokenize", handlers::tokenize},
    Route{"POST", "/api/detokenize", handlers::detokenize},
    Route{"GET", "/api/ps", handlers::ps},

    Route{"GET HEAD", "/api/tags", handlers::tags},
    Route{"POST", "/api/show", handlers::show},
    Route{"POST", "/api/create", handlers::create},
    Route{"HEAD", "/api/blobs/{digest}", handlers::blob_exists},
    Route{"POST", "/api/blobs/{digest}", handlers::upload_blob},
    Route{"POST", "/api/pull", handlers::pull},
    Route{"POST", "/api/push", handlers::push},
    Route{"POST", "/api/import", handlers::import_place},
    Route{"POST", "/api/verify", handlers::verify},
    Route{"POST", "/api/gc", handlers::gc},
    Route{"POST", "/api/copy", handlers::copy},
    Route{"DELETE", "/api/delete", handlers::remove},

    Route{"POST", "/v1/chat/completions", handlers::openai_chat},
    Route{"POST", "/v1/completions", handlers::openai_completion},
    Route{"POST", "/v1/embeddings", handlers::openai_embeddings},
    Route{"GET", "/v1/models", handlers::openai_models},
    Route{"GET", "/v1/models/{model}", handlers::openai_model},
};

}  // namespace

std::span<const Route> routes() {
  return table;
}

}  // namespace hearth::daemon
