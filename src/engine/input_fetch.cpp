#include "engine/input_fetch.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "engine/staged_body.h"
#include "storage/keys.h"

namespace engine {

namespace {

constexpr unsigned kInFlightMax = 4;
constexpr std::uint64_t kChunkBytes = 4ULL << 20;

}  // namespace

InputFetch::InputFetch(UpkeepShared& shared, base::DatabaseId client, const std::vector<history::Object>& objects)
    : shared_(shared), client_(std::move(client)) {
  const std::string replica = storage::replica_path(client_);
  for (const history::Object& object : objects) {
    inputs_.push_back({object, storage::ltx_key(shared_.store.layout(), replica, history::name_of(object)), total_});
    total_ += object.size_bytes;
  }
  missing_ = total_;
}

void InputFetch::start() {
  if (total_ <= shared_.options.light_bytes_max) {
    memory_.resize(static_cast<std::size_t>(total_));
  } else if (auto spool = nameless_file(shared_.staging_directory); spool) {
    spool_ = std::move(*spool);
  } else {
    return fail(spool.error());
  }
  request_more();
}

void InputFetch::request_more() {
  while (!error_ && in_flight_ < kInFlightMax && next_input_ < inputs_.size()) {
    const Input& input = inputs_[next_input_];
    const std::uint64_t left = input.object.size_bytes - next_offset_;
    if (next_offset_ == 0) {
      const auto cached = shared_.cache.get(client_.value, history::name_of(input.object));
      if (cached && cached->size() == left) {
        if (auto stored = store(input.position, *cached); !stored) return fail(stored.error());
        missing_ -= left;
        ++next_input_;
        continue;
      }
    }
    const std::uint64_t length = std::min(left, kChunkBytes);
    request(next_input_, next_offset_, length);
    next_offset_ += length;
    if (length == left) {
      ++next_input_;
      next_offset_ = 0;
    }
  }
}

void InputFetch::request(std::size_t index, std::uint64_t offset, std::uint64_t length) {
  storage::GetRequest get{inputs_[index].key, offset, length};
  // The whole object is asked for without a range, so that a longer one shows.
  if (length == inputs_[index].object.size_bytes) get.length = std::nullopt;
  ++in_flight_;
  shared_.store.get(
      std::move(get), {},
      [weak = weak_from_this(), post = shared_.post, index, offset, length](base::Result<base::Bytes> bytes) {
        post([weak, index, offset, length, bytes = std::move(bytes)]() mutable {
          if (const auto self = weak.lock()) self->on_answer(index, offset, length, std::move(bytes));
        });
      });
}

void InputFetch::on_answer(std::size_t index, std::uint64_t offset, std::uint64_t length,
                           base::Result<base::Bytes> bytes) {
  --in_flight_;
  if (error_) return;
  const Input& input = inputs_[index];
  if (!bytes) return fail(bytes.error().with_context(input.key.value));
  if (bytes->size() != length) {
    return fail({base::Category::corrupt,
                 fmt::format("{}: {} bytes where {} were stored", input.key.value, bytes->size(), length),
                 {}});
  }
  bump(shared_.probe.upkeep_bytes_read, length);
  if (auto stored = store(input.position + offset, *bytes); !stored) return fail(stored.error());
  missing_ -= length;
  request_more();
}

base::Result<> InputFetch::store(std::uint64_t position, base::ByteView bytes) {
  if (spool_.is_open()) return spool_.write_at(position, bytes);
  std::ranges::copy(bytes, memory_.begin() + static_cast<std::ptrdiff_t>(position));
  return {};
}

void InputFetch::fail(base::Error error) {
  if (!error_) error_ = std::move(error);
}

ltx::Source InputFetch::source(std::size_t index) const {
  const std::uint64_t begin = inputs_[index].position;
  return [self = shared_from_this(), at = begin, end = begin + inputs_[index].object.size_bytes](
             base::MutableByteView out) mutable -> base::Result<std::size_t> {
    const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), end - at));
    if (self->spool_.is_open()) {
      TRY_ASSIGN(const std::size_t got, self->spool_.read_at(at, out.first(count)));
      if (got != count) return base::fail(base::Category::io, "a staged input in the state directory is cut short");
    } else {
      std::copy_n(self->memory_.begin() + static_cast<std::ptrdiff_t>(at), count, out.begin());
    }
    at += count;
    return count;
  };
}

}  // namespace engine
