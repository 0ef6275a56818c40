// See blob_download.h.
#include "registry/remote/blob_download.h"

#include <fmt/format.h>

#include "base/error.h"

namespace hearth::registry {
namespace {

constexpr int redirects_max = 10;

// One answer into one blob.
struct Sink : HttpHandler {
  Sink(BlobWriter& the_writer, uint64_t the_size) : writer(the_writer), size_bytes(the_size) {}

  bool on_head(const HttpHead& the_head) override {
    head = the_head;
    return true;
  }

  bool on_body(std::span<const std::byte> bytes) override {
    if (head.status != 200) return true;
    if (writer.size_bytes() + bytes.size() > size_bytes) return false;
    writer.append(bytes);
    return true;
  }

  void on_end(const HttpOutcome& the_outcome) override { outcome = the_outcome; }

  BlobWriter& writer;
  uint64_t size_bytes;
  HttpHead head;
  std::optional<HttpOutcome> outcome;
};

}  // namespace

StoredBlob download_blob(BlobStore& blobs, RemoteSession& session, const BlobOrder& order,
                         const BlobProgress& progress) {
  BlobWriter writer = blobs.begin_write();
  Url url = order.url;
  for (int hops = 0; hops <= redirects_max; ++hops) {
    Sink sink(writer, order.size_bytes);
    HttpClient client(session.http_options());
    client.start(session.prepared("GET", url, {}), sink);
    while (!sink.outcome) {
      progress(writer.size_bytes());
      client.run_once(std::chrono::milliseconds(60));
    }
    if (sink.outcome->end != HttpEnd::complete)
      throw Error(ErrorCode::unavailable,
                  fmt::format("{}: {}", url.authority(), sink.outcome->reason));
    if (RemoteSession::is_redirect(sink.head.status)) {
      url = session.follow(url, sink.head.headers);
    } else if (sink.head.status == 401) {
      if (!session.answer_challenge(sink.head.headers, [] {})) throw_status(401, "", "");
    } else if (sink.head.status == 200) {
      return writer.commit(order.digest);
    } else {
      throw_status(sink.head.status, "", "");
    }
  }
  throw Error(ErrorCode::corrupt_data, "too many redirects");
}

}  // namespace hearth::registry
