#include "engine/staged_body.h"

#include <algorithm>
#include <utility>

#include "base/random.h"

namespace engine {

namespace {

constexpr std::size_t kFlushBytes = 1U << 20;

class StagedBody final : public storage::Body {
 public:
  StagedBody(os::File file, std::uint64_t size) : file_(std::move(file)), size_(size) {}
  [[nodiscard]] std::uint64_t size_bytes() const override { return size_; }
  base::Result<> read_at(std::uint64_t offset, base::MutableByteView out) const override {
    TRY_ASSIGN(const std::size_t got, file_.read_at(offset, out));
    if (got != out.size()) return base::fail(base::Category::io, "a staged object in the state directory is cut short");
    return {};
  }

 private:
  os::File file_;
  std::uint64_t size_;
};

}  // namespace

base::Result<os::File> nameless_file(const std::filesystem::path& directory) {
  const auto path = directory / ("object-" + base::random_hex(16));
  TRY_ASSIGN(os::File file, os::File::create_new(path));
  TRY(os::remove_file(path));
  return file;
}

base::Result<> BodyWriter::append(base::ByteView bytes) {
  buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
  if (buffer_.size() < (file_.is_open() ? kFlushBytes : memory_limit_)) return {};
  if (!file_.is_open()) {
    TRY_ASSIGN(file_, nameless_file(directory_));
  }
  return flush();
}

base::Result<> BodyWriter::flush() {
  TRY(file_.write_at(written_, buffer_));
  written_ += buffer_.size();
  buffer_.clear();
  buffer_.shrink_to_fit();
  return {};
}

base::Result<std::shared_ptr<const storage::Body>> BodyWriter::finish() {
  if (!file_.is_open()) return std::make_shared<storage::MemoryBody>(std::exchange(buffer_, {}));
  TRY(flush());
  return std::make_shared<StagedBody>(std::move(file_), written_);
}

ltx::Source source_of(std::shared_ptr<const storage::Body> body) {
  return
      [body = std::move(body), at = std::uint64_t{0}](base::MutableByteView out) mutable -> base::Result<std::size_t> {
        const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), body->size_bytes() - at));
        TRY(body->read_at(at, out.first(count)));
        at += count;
        return count;
      };
}

}  // namespace engine
