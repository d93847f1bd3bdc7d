// One upload in parts, for bodies that are too large for a single PUT.
//
//   (HEAD key, if it must not exist) > create > part 1, part 2, ... at most kPartsInFlight at once > complete
//
// Any failure, stop or deadline ends in an abort of the upload, so that no parts are left to be paid for; the abort has
// a time limit of its own. Lost in a shutdown, it is left to the bucket's lifecycle rule. Parts are repeated one by one
// (with the loop of storage/retry.h): the whole need not be sent again for one of them.
//
// create-if-absent is weaker here than for a single PUT: some servers ignore If-None-Match on complete, and between the
// HEAD and it another writer may come. Whoever needs more than that must read the object afterwards.
#pragma once

#include <memory>

#include "storage/object_store.h"
#include "storage/retry.h"
#include "storage/s3/s3_sender.h"

namespace storage::s3 {

inline constexpr std::uint64_t kMultipartAboveBytes = std::uint64_t{64} << 20;
inline constexpr std::uint64_t kPartBytes = std::uint64_t{8} << 20;
inline constexpr std::uint64_t kPartsMax = 10'000;
inline constexpr std::uint32_t kPartsInFlight = 2;

// Size of each part but the last: kPartBytes, or more if a body would need too many parts.
std::uint64_t part_size_bytes(std::uint64_t body_bytes);

// `key` is whole. `sender` and the scope's executor outlive the upload.
void start_multipart_upload(S3Sender& sender, std::shared_ptr<RetryScope> retry, std::string key, PutRequest request,
                            CallContext context, Callback<PutResult> done);

}  // namespace storage::s3
