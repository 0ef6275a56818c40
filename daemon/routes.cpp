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
    Route{"POST", "/v1/chat/completions/count", handlers::openai_chat_count},
    Route{"POST", "/v1/responses", handlers::openai_responses},
    Route{"POST", "/v1/responses/input_tokens", handlers::openai_input_tokens},
    Route{"GET", "/v1/responses/{response_id}", handlers::openai_response},
    Route{"DELETE", "/v1/responses/{response_id}", handlers::openai_response_delete},
    Route{"GET", "/v1/models", handlers::models},
    Route{"GET", "/v1/models/{model}", handlers::model},

    Route{"POST", "/v1/messages", handlers::anthropic_messages},
    Route{"POST", "/v1/messages/count_tokens", handlers::anthropic_count},

    Route{"POST", "/v1/rerank", handlers::rerank},
    Route{"POST", "/rerank", handlers::rerank},
    Route{"POST", "/tokenize", handlers::llama_tokenize},
    Route{"POST", "/detokenize", handlers::llama_detokenize},
    Route{"POST", "/apply-template", handlers::apply_template},

    Route{"GET HEAD", "/health", handlers::health},
    Route{"GET HEAD", "/livez", handlers::health},
    Route{"GET HEAD", "/readyz", handlers::ready},
    Route{"GET", "/openapi.json", handlers::openapi},
};

}  // namespace

std::span<const Route> routes() {
  return table;
}

}  // namespace hearth::daemon
