// See blob_upload.h.
#include "registry/remote/blob_upload.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/error.h"

namespace hearth::registry {
namespace {

constexpr size_t answer_bytes_max = size_t{64} << 10;

}  // namespace

void upload_blob(const BlobStore& blobs, RemoteSession& session, RemoteRepository& repository,
                 const BlobOrder& order, const BlobProgress& progress) {
  const UniqueFd fd = blobs.open(order.digest);
  uint64_t sent = 0;
  HttpBody body;
  body.size_bytes = order.size_bytes;
  body.read = [&](uint64_t offset, std::span<std::byte> into) {
    const ssize_t count = ::pread(fd.get(), into.data(), into.size(), static_cast<off_t>(offset));
    if (count < 0)
      throw Error(ErrorCode::internal,
                  fmt::format("cannot read {}: {}", order.digest.text(), std::strerror(errno)));
    sent = offset + static_cast<uint64_t>(count);
    return static_cast<size_t>(count);
  };
  const StopCheck check = [&] { progress(sent); };
  Url upload = order.url;
  if (order.size_bytes > 0) {
    const HttpHeaders headers{{"Content-Type", "application/octet-stream"},
                              {"Content-Range", fmt::format("0-{}", order.size_bytes - 1)}};
    const RemoteAnswer answer =
        session.request("PATCH", upload, headers, answer_bytes_max, check, body);
    if (answer.status >= 300) throw_status(answer.status, answer.body, "");
    upload = repository.next_upload_url(answer.url, answer.headers);
  }
  repository.finish_upload(upload, order.digest, "", check);
}

}  // namespace hearth::registry
