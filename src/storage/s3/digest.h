// The digests that S3 requests need, from OpenSSL.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>

#include "base/bytes.h"

namespace storage::s3 {

using Sha256Digest = std::array<std::uint8_t, 32>;

// SHA-256 in pieces.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;
  void update(base::ByteView bytes);
  Sha256Digest finish();  // once

 private:
  struct State;
  std::unique_ptr<State> state_;
};

Sha256Digest sha256(base::ByteView bytes);
std::string sha256_hex(base::ByteView bytes);
Sha256Digest hmac_sha256(base::ByteView key, base::ByteView text);
// Base 64 of the MD5, as Content-MD5 wants it.
std::string md5_base64(base::ByteView bytes);

}  // namespace storage::s3
