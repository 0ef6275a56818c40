// See blob_upload.h.
#include "registry/remote/blob_upload.h"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <vector>

#include "base/check.h"
#include "base/error.h"
#include "base/log.h"
#include "registry/remote/backoff.h"
#include "registry/remote/byte_ranges.h"

namespace hearth::registry {
namespace {

constexpr size_t answer_bytes_max = size_t{64} << 10;
constexpr size_t slice_bytes = size_t{256} << 10;

size_t read_at(int fd, uint64_t offset, std::span<std::byte> into) {
  const ssize_t count = ::pread(fd, into.data(), into.size(), static_cast<off_t>(offset));
  if (count > 0 || into.empty()) return static_cast<size_t>(count);
  throw Error(ErrorCode::internal, fmt::format("cannot read a blob of the store: {}",
                                               count == 0 ? "it is shorter than its manifest says"
                                                          : std::strerror(errno)));
}

std::string hex_of(const std::string& bytes) {
  std::string hex;
  for (const char c : bytes) hex += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return hex;
}

// MD5 only names parts here, as S3 does: nothing is trusted because of it.
class Md5 {
 public:
  Md5() : context_(EVP_MD_CTX_new(), &EVP_MD_CTX_free) {
    HEARTH_CHECK(context_ && EVP_DigestInit_ex(context_.get(), EVP_md5(), nullptr) == 1);
  }
  void update(const void* bytes, size_t size) {
    HEARTH_CHECK(EVP_DigestUpdate(context_.get(), bytes, size) == 1);
  }
  std::string finish() {
    std::string digest(16, '\0');
    std::vector<unsigned char> bytes(16);
    HEARTH_CHECK(EVP_DigestFinal_ex(context_.get(), bytes.data(), nullptr) == 1);
    std::copy(bytes.begin(), bytes.end(), digest.begin());
    return digest;
  }

 private:
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context_;
};

class Upload {
 public:
  Upload(const BlobStore& blobs, RemoteSession& session, RemoteRepository& repository,
         const Layer& layer, const BlobProgress& progress)
      : session_(session),
        repository_(repository),
        layer_(layer),
        progress_(progress),
        fd_(blobs.open(layer.digest)),
        backoff_(session.settings().retry_delay, session.settings().tries_max) {}

  void run(const std::string& mount_from);

 private:
  // False: the registry has the blob.
  bool begin(const std::string& mount_from);
  void send_part();
  void send_direct(ByteRange part, const RemoteAnswer& answer);
  void go_on_after(const Error& failure);
  void finish();
  HttpBody body_of(ByteRange part);
  std::string md5_of(ByteRange part);

  RemoteSession& session_;
  RemoteRepository& repository_;
  const Layer& layer_;
  const BlobProgress& progress_;
  UniqueFd fd_;
  Backoff backoff_;
  Url url_;
  uint64_t accepted_bytes_ = 0;  // by the registry
  uint64_t accepted_at_failure_ = 0;
  uint64_t sent_bytes_ = 0;
  std::vector<std::string> direct_md5s_;  // of parts that went past the registry
  const StopCheck check_ = [this] { progress_(sent_bytes_); };
};

bool Upload::begin(const std::string& mount_from) {
  const std::optional<Url> url = repository_.begin_upload(layer_.digest, mount_from, check_);
  if (url) url_ = *url;
  accepted_bytes_ = 0;
  direct_md5s_.clear();
  return url.has_value();
}

HttpBody Upload::body_of(ByteRange part) {
  HttpBody body;
  body.size_bytes = part.size();
  body.read = [this, part](uint64_t offset, std::span<std::byte> into) {
    const size_t count = read_at(fd_.get(), part.first + offset, into);
    sent_bytes_ = part.first + offset + count;
    return count;
  };
  return body;
}

std::string Upload::md5_of(ByteRange part) {
  Md5 md5;
  std::vector<std::byte> buffer(slice_bytes);
  while (part.first < part.end) {
    check_();
    const size_t wanted = static_cast<size_t>(std::min<uint64_t>(buffer.size(), part.size()));
    const size_t count = read_at(fd_.get(), part.first, std::span(buffer).first(wanted));
    md5.update(buffer.data(), count);
    part.first += count;
  }
  return md5.finish();
}

// The registry names a place for this part; whoever answers there must not see who we are.
void Upload::send_direct(ByteRange part, const RemoteAnswer& answer) {
  const Url target = session_.follow(answer.url, answer.headers);
  const RemoteAnswer put = session_.request_without_credentials("PUT", target, {}, answer_bytes_max,
                                                                check_, body_of(part));
  if (put.status >= 300) {
    throw Error(
        is_passing(put.status) || put.status == 403 ? ErrorCode::unavailable : ErrorCode::internal,
        fmt::format("{}: {}", target.authority(), status_text(put.status, put.body)));
  }
  direct_md5s_.push_back(md5_of(part));
}

void Upload::send_part() {
  const uint64_t end =
      std::min(layer_.size_bytes, accepted_bytes_ + upload_part_bytes(layer_.size_bytes));
  const ByteRange part{accepted_bytes_, end};
  const HttpHeaders headers{{"Content-Type", "application/octet-stream"},
                            {"Content-Range", fmt::format("{}-{}", part.first, part.end - 1)},
                            {"X-Redirect-Uploads", "1"}};
  const RemoteAnswer answer =
      session_.request_once("PATCH", url_, headers, answer_bytes_max, check_, body_of(part));
  if (answer.status == 307) {
    send_direct(part, answer);
    HttpHeaders next;
    if (const std::string* location = find_header(answer.headers, "docker-upload-location"))
      next.emplace_back("location", *location);
    url_ = repository_.next_upload_url(url_, next);
  } else if (answer.status < 300) {
    url_ = repository_.next_upload_url(answer.url, answer.headers);
  } else if (is_passing(answer.status) || answer.status == 416) {
    throw Error(ErrorCode::unavailable,
                fmt::format("{}: {}", url_.authority(), status_text(answer.status, answer.body)));
  } else {
    throw_status(answer.status, answer.body, "");
  }
  accepted_bytes_ = part.end;
}

// After a failure the registry says how much it has. What went past it, it cannot tell: those parts
// count as they were answered.
void Upload::go_on_after(const Error& failure) {
  if (accepted_bytes_ > accepted_at_failure_) backoff_.reset();
  const auto delay = backoff_.next();
  if (!delay) throw failure;
  log::debug(fmt::format("{}: again in {} ms", failure.what(), delay->count()));
  wait_for(*delay, check_);
  if (direct_md5s_.empty()) {
    const std::optional<uint64_t> known = repository_.uploaded_bytes(url_, check_);
    if (!known || *known > layer_.size_bytes) {
      begin("");
    } else {
      accepted_bytes_ = *known;
    }
  }
  accepted_at_failure_ = std::max(accepted_at_failure_, accepted_bytes_);
}

void Upload::finish() {
  std::string etag;
  if (!direct_md5s_.empty()) {
    Md5 all;
    for (const std::string& md5 : direct_md5s_) all.update(md5.data(), md5.size());
    etag = fmt::format("{}-{}", hex_of(all.finish()), direct_md5s_.size());
  }
  try {
    repository_.finish_upload(url_, layer_.digest, etag, check_);
  } catch (const Error& error) {  // the answer to a try that worked may have been lost
    if (error.code() == ErrorCode::cancelled || !repository_.has_blob(layer_.digest, check_)) throw;
  }
}

void Upload::run(const std::string& mount_from) {
  if (!begin(mount_from)) return;
  while (accepted_bytes_ < layer_.size_bytes) {
    try {
      send_part();
    } catch (const Error& error) {  // adds more tries
      if (error.code() != ErrorCode::unavailable) throw;
      go_on_after(error);
    }
  }
  finish();
}

}  // namespace

uint64_t upload_part_bytes(uint64_t size_bytes) {
  constexpr uint64_t least = 100'000'000;
  constexpr uint64_t most = 1'000'000'000;
  return std::clamp(size_bytes / 16, least, most);
}

void upload_blob(const BlobStore& blobs, RemoteSession& session, RemoteRepository& repository,
                 const Layer& layer, const std::string& mount_from, const BlobProgress& progress) {
  Upload(blobs, session, repository, layer, progress).run(mount_from);
}

}  // namespace hearth::registry
