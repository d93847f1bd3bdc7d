// What we add to a file's header in its 20 reserved bytes (decision 0001). Readers that do not know it hash it and pass
// it over; it travels with the file through any copy, also where a store keeps no metadata.
//
//   off size field
//    80   8  database checksum after this file (checksum.h), 0 if unknown
//    88   8  lineage: random id of the writer's state, never 0
//    96   4  tag "LSM1"
#pragma once

#include <cstdint>
#include <optional>

#include "ltx/header.h"

namespace ltx {

struct Provenance {
  std::uint64_t database_checksum = 0;
  std::uint64_t lineage = 0;
  friend bool operator==(const Provenance&, const Provenance&) = default;
};

void set_provenance(Header& header, const Provenance& provenance);
// nullopt: written by somebody else.
std::optional<Provenance> provenance(const Header& header);

}  // namespace ltx
