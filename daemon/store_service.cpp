// See store_service.h.
#include "daemon/store_service.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "registry/garbage.h"
#include "registry/verify.h"

namespace hearth::daemon {
namespace {

using registry::BlobFinding;
using registry::BlobHealth;

api::ProgressEvent line_of(const registry::Garbage& garbage, std::string status) {
  api::ProgressEvent event;
  event.status = std::move(status);
  event.file = garbage.name;
  event.detail = registry::to_string(garbage.kind);
  event.bytes = garbage.bytes;
  return event;
}

bool is_wrong(const BlobFinding& finding) {
  return finding.health != BlobHealth::good && finding.health != BlobHealth::read;
}

api::ProgressEvent line_of(const BlobFinding& finding) {
  api::ProgressEvent event;
  event.status = registry::to_string(finding.health);
  event.digest = finding.digest.text();
  event.models = finding.models;
  event.detail = finding.detail;
  return event;
}

// Any one of its models brings a blob back. True when it did.
bool repair(registry::ModelStore& store, const BlobFinding& finding, const PullAgain& pull,
            const CreateProgress& progress) {
  api::ProgressEvent event;
  event.digest = finding.digest.text();
  if (finding.ours.empty() || finding.health == BlobHealth::moved) return false;
  store.set_aside(finding.digest);
  for (const registry::ModelName& name : finding.ours) {
    try {
      pull(name, progress);
      // The registry may have another model under this name by now: that is whole, then.
      event.status = "repaired";
      event.models = {name.display()};
      progress(event);
      return true;
    } catch (const Error& error) {
      if (error.code() == ErrorCode::cancelled) {
        store.put_back(finding.digest);
        throw;
      }
      event.status = "not repaired";
      event.models = {name.display()};
      event.detail = error.what();
      progress(event);
    }
  }
  store.put_back(finding.digest);
  return false;
}

}  // namespace

void collect_garbage(registry::ModelStore& store, const api::GcRequest& request,
                     const CreateProgress& progress) {
  registry::GarbageOptions options;
  options.is_dry_run = request.is_dry_run;
  options.takes_downloads = request.takes_downloads;
  const registry::GarbageReport report = registry::collect_garbage(store, options);
  api::ProgressEvent last;
  last.status = "success";
  last.count = report.removed.size();
  last.bytes = 0;
  for (const registry::Garbage& garbage : report.removed) {
    *last.bytes += garbage.bytes;
    progress(line_of(garbage, request.is_dry_run ? "would be removed" : "removed"));
  }
  for (const registry::Garbage& garbage : report.kept) progress(line_of(garbage, "kept"));
  progress(last);
}

void verify_store(registry::ModelStore& store, const api::VerifyRequest& request,
                  const PullAgain& pull, const CreateProgress& progress) {
  registry::VerifyOptions options;
  if (!request.model.empty()) options.model = registry::ModelName::parse(request.model);
  const std::vector<BlobFinding> findings =
      registry::verify(store, options, [&](uint64_t done, uint64_t total) {
        api::ProgressEvent event;
        event.status = "verifying";
        event.completed_bytes = done;
        event.total_bytes = total;
        progress(event);
      });
  api::ProgressEvent last;
  last.status = "success";
  last.count = findings.size();
  last.wrong = 0;
  for (const BlobFinding& finding : findings) {
    if (finding.health != BlobHealth::good) progress(line_of(finding));
    if (!is_wrong(finding)) continue;
    if (!request.repairs || !repair(store, finding, pull, progress)) ++*last.wrong;
  }
  progress(last);
}

}  // namespace hearth::daemon
