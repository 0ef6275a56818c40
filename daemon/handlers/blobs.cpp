// HEAD and POST /api/blobs/{digest}: files on their way into the store. Bodies of any size go
// straight to disk.
#include <fmt/format.h>

#include <vector>

#include "base/error.h"
#include "daemon/handlers/handlers.h"
#include "daemon/server/worker_pool.h"
#include "registry/model_store.h"

namespace hearth::daemon::handlers {
namespace {

constexpr size_t piece_bytes = 1 << 20;

// How long a blob waits for the request that makes a model of it.
constexpr auto upload_patience = std::chrono::minutes(30);

Reply empty(int status) {
  Reply reply;
  reply.status = status;
  reply.content_type.clear();
  return reply;
}

Task<void> discard_body(Exchange& exchange) {
  std::vector<char> piece(piece_bytes);
  while (co_await exchange.read_some(piece) > 0) {
  }
}

}  // namespace

Task<void> blob_exists(Services& services, Exchange& exchange) {
  const auto digest = registry::BlobDigest::parse(exchange.request().parameter);
  Reply reply = empty(services.store.blobs().hold(digest, upload_patience) ? 200 : 404);
  co_await exchange.send(std::move(reply));
}

Task<void> upload_blob(Services& services, Exchange& exchange) {
  const auto digest = registry::BlobDigest::parse(exchange.request().parameter);
  if (services.store.blobs().hold(digest, upload_patience)) {
    co_await discard_body(exchange);
    Reply present = empty(200);
    co_await exchange.send(std::move(present));
    co_return;
  }
  registry::BlobWriter writer = services.store.blobs().begin_write();
  std::vector<char> piece(piece_bytes);
  while (true) {
    const size_t size = co_await exchange.read_some(piece);
    if (size == 0) break;
    std::function<void()> append = [&writer, &piece, size] {
      writer.append(std::string_view(piece.data(), size));
    };
    co_await services.workers.run(std::move(append));
  }
  std::function<void()> commit = [&services, &writer, &digest] {
    const registry::StoredBlob blob = writer.commit(digest);
    services.store.blobs().hold(digest, upload_patience);
  };
  co_await services.workers.run(std::move(commit));
  Reply stored = empty(201);
  co_await exchange.send(std::move(stored));
}

}  // namespace hearth::daemon::handlers
