// The request for a token that answers a "Bearer" challenge, and what is signed for it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/url.h"
#include "registry/remote/challenge.h"

namespace hearth::registry {

// hf.co or huggingface.co themselves.
bool is_hugging_face(const Url& url);

// Whether a token or signature for `registry` may be sent to `other`: the same scheme, host and
// port. hf.co and huggingface.co are one.
bool is_same_party(const Url& registry, const Url& other);

// The address with service, scopes, time and nonce in its query, keys in order; what the realm has
// in its query stays.
std::string token_url(const Url& realm, const Challenge& challenge, int64_t unix_seconds,
                      const std::string& nonce);
// 16 random bytes as URLs take them.
std::string make_nonce();

// What the key signs for a GET of this address with an empty body.
std::string token_text_to_sign(const std::string& url);

// The token in the server's answer. Throws Error{unauthorized} when there is none.
std::string parse_token(std::string_view body, std::string_view host);

}  // namespace hearth::registry
