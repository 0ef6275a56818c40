// The paths of the Docker Registry protocol v2 for one repository. Protocol only: no files, no
// parts.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "registry/blob_digest.h"
#include "registry/name.h"
#include "registry/remote/remote_session.h"

namespace hearth::registry {

// The address at which the registry of a name answers. Throws Error{invalid_argument} "insecure
// protocol http" for a name with http unless `is_insecure`, which makes every name one.
Url registry_address(const ModelName& name, bool is_insecure);

// Throws Error{unavailable} when the settings say that no registry may be asked.
void require_online(const TransferSettings& settings, const ModelName& name);

// One thread at a time. The session must outlive it.
class RemoteRepository {
 public:
  RemoteRepository(RemoteSession& session, const ModelName& name);

  // As they came. Throws Error{not_found} "file does not exist", {corrupt_data} above 4 MiB, and
  // what other statuses mean.
  std::string manifest(const StopCheck& check);
  void put_manifest(std::string_view bytes, const StopCheck& check);

  Url blob_url(const BlobDigest& digest) const;
  bool has_blob(const BlobDigest& digest, const StopCheck& check);

  // Where an upload goes; absent when the registry has the blob now, mounted from `from`
  // ("namespace/model", empty: nowhere).
  std::optional<Url> begin_upload(const BlobDigest& digest, const std::string& from,
                                  const StopCheck& check);
  // The address for what comes next, which an answer of the registry names; `asked` when it names
  // none.
  Url next_upload_url(const Url& asked, const HttpHeaders& headers) const;
  // Bytes of an upload that the registry has; absent when it knows nothing of it.
  std::optional<uint64_t> uploaded_bytes(Url& upload, const StopCheck& check);
  // Ends an upload. `etag` is for registries that keep parts; empty: none.
  void finish_upload(const Url& upload, const BlobDigest& digest, const std::string& etag,
                     const StopCheck& check);

 private:
  std::string path(std::string_view rest) const;

  RemoteSession& session_;
  std::string repository_;  // "namespace/model"
  std::string tag_;
};

}  // namespace hearth::registry
