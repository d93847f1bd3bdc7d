#include "engine/pin_reading.h"

#include <utility>

#include "engine/merge_job.h"

namespace engine {

namespace {
constexpr std::uint64_t kPinBytesMax = 64 << 10;
}  // namespace

void PinReading::end(base::Result<PinBook> result) {
  result_ = std::move(result);
  finished_ = true;
}

bool PinReading::step() {
  if (std::exchange(asked_, true)) return false;
  began_ = shared_.clock.steady_now();
  list({});
  return false;
}

void PinReading::list(std::string start_after) {
  shared_.store.list({pin_prefix(), std::move(start_after), 1000}, time_for(shared_.clock, 0),
                     [weak = weak_from_this(), post = shared_.post](base::Result<storage::ListPage> page) {
                       post([weak, page = std::move(page)]() mutable {
                         if (const auto self = weak.lock()) self->on_page(std::move(page));
                       });
                     });
}

void PinReading::on_page(base::Result<storage::ListPage> page) {
  if (!page) return end(base::fail(page.error().with_context("the list of pinned restore points")));
  for (const storage::ObjectInfo& object : page->objects) {
    auto named = parse_pin_key(object.key.value);
    if (!named) continue;
    PinBook::Entry entry{object.size_bytes, object.last_modified, std::move(*named)};
    const auto known = shared_.pins.entries.find(object.key.value);
    if (known != shared_.pins.entries.end() && known->second.size_bytes == entry.size_bytes &&
        known->second.last_modified == entry.last_modified) {
      entry.pin = known->second.pin;
    } else if (object.size_bytes <= kPinBytesMax) {
      unread_.push_back(object.key.value);
    }  // else nobody's pin of ours: the name alone keeps the point, for good
    found_.entries.emplace(object.key.value, std::move(entry));
  }
  if (page->next_start_after) return list(*page->next_start_after);
  read_next();
}

void PinReading::read_next() {
  if (unread_.empty()) {
    found_.read = began_;
    return end(std::move(found_));
  }
  shared_.store.get({base::ObjectKey{unread_.back()}, 0, std::nullopt}, time_for(shared_.clock, 0),
                    [weak = weak_from_this(), post = shared_.post](base::Result<base::Bytes> bytes) {
                      post([weak, bytes = std::move(bytes)]() mutable {
                        if (const auto self = weak.lock()) self->on_pin(std::move(bytes));
                      });
                    });
}

void PinReading::on_pin(base::Result<base::Bytes> bytes) {
  const std::string key = std::move(unread_.back());
  unread_.pop_back();
  if (bytes) {
    BucketPin& pin = found_.entries[key].pin;
    pin = decode_pin(std::move(pin), *bytes);
  } else if (bytes.error().category == base::Category::not_found) {
    found_.entries.erase(key);  // taken away meanwhile
  } else {
    return end(base::fail(bytes.error().with_context(key)));
  }
  read_next();
}

}  // namespace engine
