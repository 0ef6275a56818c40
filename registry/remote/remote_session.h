// One registry as one pull or push sees it: where it is on the network, who we are to it, which
// addresses it may send us to, and requests that are tried again when that can help.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/http_transfer.h"
#include "base/url.h"
#include "registry/transfer_settings.h"

namespace hearth::registry {

// Called often while something is waited for; throws to stop.
using StopCheck = std::function<void()>;

// An answer with its body, and where it came from after all redirects.
struct RemoteAnswer {
  int status = 0;
  HttpHeaders headers;
  std::string body;
  Url url;
};

// One thread at a time. `settings` and `rate_limit` must outlive it.
class RemoteSession {
 public:
  // `base` has the registry's scheme, host and port. Throws Error{forbidden} for one that is
  // written as a link-local address.
  RemoteSession(const TransferSettings& settings, Url base, RegistryCredentials credentials,
                RateLimit* rate_limit = nullptr);

  // Another session of the same party, with the token that this one has.
  std::unique_ptr<RemoteSession> twin() const;

  const Url& base() const { return base_; }
  const TransferSettings& settings() const { return settings_; }
  // What http_options() has from now on; nullptr: nothing. It must outlive what is made of them.
  RateLimit* rate_limit() const { return rate_limit_; }
  void limit_by(RateLimit* rate_limit) { rate_limit_ = rate_limit; }

  // The address of a path of the registry, "/v2/...".
  Url at(const std::string& path) const;

  // The request as it goes out: credentials where `url` is the registry itself, and the rule about
  // addresses.
  HttpRequest prepared(std::string method, const Url& url, HttpHeaders headers) const;

  // Where an answer with status 3xx leads. Throws Error{corrupt_data} without an address in it and
  // {forbidden} from https to http.
  Url follow(const Url& from, const HttpHeaders& headers) const;
  static bool is_redirect(int status);

  // After a 401 from the registry itself: true when the same request may be sent again with other
  // credentials. Throws Error{unauthorized} when there are none or the server does not want them,
  // {forbidden} for a realm that must not see them.
  bool answer_challenge(const HttpHeaders& headers, const StopCheck& check);
  // The registry took what prepared() sent: the next 401 is a new one. Tokens live for minutes.
  void note_accepted() { has_answered_ = false; }
  // The header's value that prepared() sends now; empty: none.
  const std::string& authorization() const { return authorization_; }

  // Redirects, challenges, waits and tries of one request whose answer is small. Any status that
  // would not change comes back. Throws Error{unavailable} after the last try, and as above.
  RemoteAnswer request(const std::string& method, const Url& url, const HttpHeaders& headers,
                       size_t body_bytes_max, const StopCheck& check,
                       const std::optional<HttpBody>& body = std::nullopt);

  // The same without tries: for what cannot simply be sent again.
  RemoteAnswer request_once(const std::string& method, Url url, const HttpHeaders& headers,
                            size_t body_bytes_max, const StopCheck& check,
                            const std::optional<HttpBody>& body);
  // And to somebody who must not see who we are, without redirects.
  RemoteAnswer request_without_credentials(const std::string& method, const Url& url,
                                           const HttpHeaders& headers, size_t body_bytes_max,
                                           const StopCheck& check,
                                           const std::optional<HttpBody>& body);

  HttpOptions http_options() const;

 private:
  bool may_connect(const std::string& host, AddressKind kind) const;
  std::string fetch_token(const HttpHeaders& headers, const StopCheck& check);

  const TransferSettings& settings_;
  Url base_;
  RegistryCredentials credentials_;
  RateLimit* rate_limit_;
  std::string authorization_;  // the header's value; empty: none yet
  bool has_answered_ = false;  // a challenge, with what authorization_ has
  mutable std::optional<AddressKind> base_kind_;
  HttpClient client_;
};

// "401: <body>", as far as it is readable: what a registry says when it refuses.
std::string status_text(int status, const std::string& body);
// The error that goes with a status of 400 and above.
[[noreturn]] void throw_status(int status, const std::string& body, const std::string& what);

}  // namespace hearth::registry
