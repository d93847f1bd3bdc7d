// "{min}-{max}.ltx", both 16 lower-case hex digits, 1 <= min <= max. Other names are skipped in listings.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/types.h"

namespace ltx {

struct TxidRange {
  base::Txid min;
  base::Txid max;
  friend bool operator==(const TxidRange&, const TxidRange&) = default;
};

std::string file_name(TxidRange range);
std::optional<TxidRange> parse_file_name(std::string_view name);

}  // namespace ltx
