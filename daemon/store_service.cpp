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

api::ProgressEvent not_repaired(const BlobFinding& finding, std::string why) {
  api::ProgressEvent event = line_of(finding);
  event.status = "not repaired";
  event.detail = std::move(why);
  return event;
}

// The registries of its models and of those that these were made from are asked for this blob and
// nothing else: one that models share is whole for all of them then, and no model becomes another
// one because a registry has something new under its name. True when it came.
bool repair(registry::ModelStore& store, const BlobFinding& finding, const PullBlob& pull,
            const CreateProgress& progress) {
  if (finding.health == BlobHealth::moved) {
    progress(not_repaired(finding, "import the file again from where it lies now"));
    return false;
  }
  if (finding.ours.empty()) {
    progress(not_repaired(finding, "no model uses it, and `hearth gc` removes it"));
    return false;
  }
  std::vector<registry::ModelName> names = finding.ours;
  names.insert(names.end(), finding.parents.begin(), finding.parents.end());
  const registry::Layer blob{"", finding.digest, finding.size_bytes, "", ""};
  std::string reasons;
  store.set_aside(finding.digest);
  for (const registry::ModelName& name : names) {
    try {
      pull(name, blob, progress);
      api::ProgressEvent event = line_of(finding);
      event.status = "repaired";
      event.detail = fmt::format("as {} has it", name.display());
      progress(event);
      return true;
    } catch (const Error& error) {
      if (error.code() == ErrorCode::cancelled) {
        store.put_back(finding.digest);
        throw;
      }
      reasons += fmt::format("{}{}: {}", reasons.empty() ? "" : "; ", name.display(), error.what());
    }
  }
  store.put_back(finding.digest);
  progress(not_repaired(finding, reasons));
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
                  const PullBlob& pull, const CreateProgress& progress) {
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
  for (const registry::Garbage& garbage : registry::damaged_blobs(store))
    progress(line_of(garbage, "set aside"));
  progress(last);
}

}  // namespace hearth::daemon
