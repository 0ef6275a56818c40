// All handlers: each translates its request, calls one service, and writes the answer.
#pragma once

#include <string>
#include <vector>

#include "daemon/server/exchange.h"
#include "daemon/services.h"

namespace hearth::daemon::handlers {

Task<void> root(Services& services, Exchange& exchange);
Task<void> version(Services& services, Exchange& exchange);
Task<void> status(Services& services, Exchange& exchange);
Task<void> tags(Services& services, Exchange& exchange);
Task<void> ps(Services& services, Exchange& exchange);
Task<void> show(Services& services, Exchange& exchange);
Task<void> create(Services& services, Exchange& exchange);
Task<void> pull(Services& services, Exchange& exchange);
Task<void> push(Services& services, Exchange& exchange);
Task<void> gc(Services& services, Exchange& exchange);
Task<void> verify(Services& services, Exchange& exchange);
Task<void> import_place(Services& services, Exchange& exchange);
Task<void> copy(Services& services, Exchange& exchange);
Task<void> remove(Services& services, Exchange& exchange);
Task<void> blob_exists(Services& services, Exchange& exchange);
Task<void> upload_blob(Services& services, Exchange& exchange);
Task<void> generate(Services& services, Exchange& exchange);
Task<void> chat(Services& services, Exchange& exchange);
Task<void> embed(Services& services, Exchange& exchange);
Task<void> embeddings(Services& services, Exchange& exchange);
Task<void> tokenize(Services& services, Exchange& exchange);
Task<void> detokenize(Services& services, Exchange& exchange);
Task<void> openai_chat(Services& services, Exchange& exchange);
Task<void> openai_completion(Services& services, Exchange& exchange);
Task<void> openai_embeddings(Services& services, Exchange& exchange);
Task<void> openai_chat_count(Services& services, Exchange& exchange);
Task<void> openai_responses(Services& services, Exchange& exchange);
Task<void> openai_input_tokens(Services& services, Exchange& exchange);
Task<void> openai_response(Services& services, Exchange& exchange);
Task<void> openai_response_delete(Services& services, Exchange& exchange);
Task<void> models(Services& services, Exchange& exchange);
Task<void> model(Services& services, Exchange& exchange);
Task<void> anthropic_messages(Services& services, Exchange& exchange);
Task<void> anthropic_count(Services& services, Exchange& exchange);
Task<void> rerank(Services& services, Exchange& exchange);
Task<void> llama_tokenize(Services& services, Exchange& exchange);
Task<void> llama_detokenize(Services& services, Exchange& exchange);
Task<void> apply_template(Services& services, Exchange& exchange);
Task<void> health(Services& services, Exchange& exchange);
Task<void> ready(Services& services, Exchange& exchange);
Task<void> openapi(Services& services, Exchange& exchange);

// The JSON body of a request. Throws as Exchange::read_body, and Error{unsupported} for compressed
// bodies.
Task<std::string> read_json(Exchange& exchange);
// Into the header Hearth-Warnings of the answer, which has not begun; none: no header. A header has
// a limit: what is beyond is left out and counted.
void add_warnings(Exchange& exchange, const std::vector<std::string>& warnings);
// 200 with this JSON.
Task<void> send_json(Exchange& exchange, std::string body);

}  // namespace hearth::daemon::handlers
