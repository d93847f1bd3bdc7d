#include "engine/object_check.h"

#include <fmt/format.h>

#include "base/bytes.h"
#include "ltx/checksum.h"
#include "ltx/provenance.h"

namespace engine {

namespace {

constexpr unsigned kPagesBetweenLooks = 16;  // at the clock

}  // namespace

void ContentSum::add(std::uint32_t page_number, base::ByteView page) {
  ++pages_;
  checksum_.toggle(ltx::page_checksum(page_number, page));
}

ObjectContent ContentSum::content(const ltx::Header& header) const {
  return {header.page_size, header.commit, pages_, checksum_.value()};
}

base::Result<bool> ObjectCheck::step(const base::Clock& clock, std::chrono::milliseconds slice) {
  if (!header_) TRY(begin());
  const base::SteadyTime until = clock.steady_now() + slice;
  do {
    for (unsigned i = 0; i < kPagesBetweenLooks; ++i) {
      TRY_ASSIGN(const auto page, decoder_.next_page());
      if (!page) {
        TRY(end());
        return false;
      }
      sum_.add(page->page_number, page->data);
    }
  } while (clock.steady_now() < until);
  return true;
}

base::Result<> ObjectCheck::begin() {
  TRY_ASSIGN(header_, decoder_.read_header());
  if (header_->min_txid == name_.min && header_->max_txid == name_.max) return {};
  return base::fail(base::Category::corrupt,
                    fmt::format("holds TXIDs {} to {}, which its name does not say",
                                base::hex16(header_->min_txid.value), base::hex16(header_->max_txid.value)));
}

base::Result<> ObjectCheck::end() {
  TRY(decoder_.finish());
  const auto who = ltx::provenance(*header_);
  const bool whole = header_->is_snapshot() && who && who->database_checksum != 0;
  if (!whole || who->database_checksum == content().checksum) return {};
  return base::fail(base::Category::corrupt, "the database in it is not the one whose checksum its header tells");
}

}  // namespace engine
