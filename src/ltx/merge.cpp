#include "ltx/merge.h"

#include <fmt/format.h>

#include "base/check.h"

namespace ltx {
namespace {

// The rule of every reader: no gap; overlap is fine as long as each file brings something newer.
base::Result<> check_follows(const Header& previous, const Header& next) {
  if (next.page_size != previous.page_size) {
    return base::fail(base::Category::corrupt,
                      fmt::format("LTX merge: page size {} after page size {}", next.page_size, previous.page_size));
  }
  // Written so that max TXID 2^64 - 1 does not wrap.
  const bool gap = next.min_txid.value - 1 > previous.max_txid.value;
  if (gap || next.max_txid <= previous.max_txid) {
    return base::fail(base::Category::corrupt,
                      fmt::format("LTX merge: {}-{} cannot follow {}-{}", base::hex16(next.min_txid.value),
                                  base::hex16(next.max_txid.value), base::hex16(previous.min_txid.value),
                                  base::hex16(previous.max_txid.value)));
  }
  return {};
}

}  // namespace

Merger::Merger(std::vector<Source> inputs) {
  inputs_.reserve(inputs.size());
  for (Source& source : inputs) inputs_.push_back({Decoder(std::move(source)), std::nullopt});
}

base::Result<Header> Merger::read_header() {
  if (inputs_.empty()) return base::fail(base::Category::invalid, "LTX merge: no input");
  Header first;
  Header last;
  TRY(read_headers(first, last));
  for (std::size_t i = 0; i < inputs_.size(); ++i) TRY(advance(i));
  commit_ = last.commit;
  Header merged;
  merged.page_size = first.page_size;
  merged.commit = last.commit;
  merged.min_txid = first.min_txid;
  merged.max_txid = last.max_txid;
  merged.timestamp = last.timestamp;
  merged.reserved = last.reserved;
  return merged;
}

base::Result<> Merger::read_headers(Header& first, Header& last) {
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    failed_input_ = i;
    TRY_ASSIGN(const Header header, inputs_[i].decoder.read_header());
    if (i == 0) {
      first = header;
    } else {
      TRY(check_follows(last, header));
    }
    last = header;
  }
  failed_input_.reset();
  return {};
}

base::Result<> Merger::advance(std::size_t input) {
  auto page = inputs_[input].decoder.next_page();
  if (!page) {
    failed_input_ = input;
    return base::fail(std::move(page).error());
  }
  inputs_[input].page = *page;
  if (*page) queue_.push({(*page)->page_number, input});
  return {};
}

base::Result<std::optional<PageView>> Merger::next_page() {
  if (given_out_) {
    const std::size_t input = *given_out_;
    given_out_.reset();
    TRY(advance(input));
  }
  while (true) {
    TRY_ASSIGN(const std::optional<PageView> page, take_newest());
    if (!page || page->page_number <= commit_) return page;
    // Truncated by a later file; read on, because every input is checked to its end.
    TRY(advance(*given_out_));
    given_out_.reset();
  }
}

// The newest copy of the smallest page number; older copies are passed over.
base::Result<std::optional<PageView>> Merger::take_newest() {
  if (queue_.empty()) return std::nullopt;
  const Next newest = queue_.top();
  queue_.pop();
  while (!queue_.empty() && queue_.top().page_number == newest.page_number) {
    const std::size_t older = queue_.top().input;
    queue_.pop();
    TRY(advance(older));
  }
  given_out_ = newest.input;
  return inputs_[newest.input].page;
}

base::Result<> Merger::finish() {
  CHECK(queue_.empty() && !given_out_);
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    if (auto trailer = inputs_[i].decoder.finish(); !trailer) {
      failed_input_ = i;
      return base::fail(std::move(trailer).error());
    }
  }
  return {};
}

}  // namespace ltx
