// See transfer_service.h.
#include "daemon/transfer_service.h"

#include <fmt/format.h>

#include "base/error.h"
#include "daemon/starter_model.h"

namespace hearth::daemon {
namespace {

registry::TransferWatcher watcher_of(const CreateProgress& progress) {
  return [&progress](const registry::TransferEvent& event) {
    api::ProgressEvent line;
    line.status = event.status;
    line.digest = event.digest;
    line.total_bytes = event.total_bytes;
    line.completed_bytes = event.completed_bytes;
    progress(line);
  };
}

}  // namespace

void TransferService::pull(const registry::ModelName& name, const registry::PullOptions& options,
                           const CreateProgress& progress) {
  if (is_starter(name)) {
    restore_starter(store_, progress);
  } else if (registry::is_hugging_face(name)) {
    hugging_face_.pull(name, options, watcher_of(progress));
  } else {
    puller_.pull(name, options, watcher_of(progress));
  }
}

void TransferService::pull_blob(const registry::ModelName& name, const registry::Layer& blob,
                                const registry::PullOptions& options,
                                const CreateProgress& progress) {
  if (registry::is_hugging_face(name)) {
    hugging_face_.pull_blob(name, blob, options, watcher_of(progress));
  } else {
    puller_.pull_blob(name, blob, options, watcher_of(progress));
  }
}

void TransferService::pull_if_missing(const std::string& text, const registry::PullOptions& options,
                                      const CreateProgress& progress) {
  const registry::ModelName name = registry::ModelName::parse(text);
  if (store_.resolve(name)) return;
  if (puller_.settings().is_offline && !is_starter(name)) {
    throw Error(ErrorCode::not_found,
                fmt::format("model '{}' not found, and nothing is pulled (HEARTH_OFFLINE)", text));
  }
  pull(name, options, progress);
}

void TransferService::push(const registry::ModelName& name, const registry::PushOptions& options,
                           const CreateProgress& progress) {
  if (const auto stored = store_.read(name)) {
    for (const registry::Layer& layer : stored->manifest.layers) {
      api::ProgressEvent line;
      line.status = fmt::format("reading {}", layer.name.empty() ? "a file" : layer.name);
      store_.read_linked_file(layer.digest, [&](uint64_t done, uint64_t total) {
        line.completed_bytes = done;
        line.total_bytes = total;
        progress(line);
      });
    }
  }
  pusher_.push(name, options, watcher_of(progress));
}

}  // namespace hearth::daemon
