#include "engine/restore_resume.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "base/log.h"
#include "ltx/checksum.h"
#include "ltx/header.h"
#include "os/file_lock.h"

namespace engine {
namespace {

namespace fs = std::filesystem;
using base::Category;

constexpr std::string_view kMagic = "LMRESTO1";
constexpr std::size_t kFixedBytes = 48;
constexpr std::uint64_t kRecordBytesMax = 600U << 20;  // 2^32 pages
constexpr std::uint64_t kReadBytes = 1U << 20;

void put32(base::Bytes& out, std::uint32_t value) {
  out.resize(out.size() + 4);
  base::store_be32(out.data() + out.size() - 4, value);
}

void put64(base::Bytes& out, std::uint64_t value) {
  out.resize(out.size() + 8);
  base::store_be64(out.data() + out.size() - 8, value);
}

void put_text(base::Bytes& out, std::string_view text) {
  put32(out, static_cast<std::uint32_t>(text.size()));
  const base::ByteView bytes = base::as_bytes(text);
  out.insert(out.end(), bytes.begin(), bytes.end());
}

std::optional<std::string> take_text(base::ByteView& rest) {
  if (rest.size() < 4) return std::nullopt;
  const std::uint32_t size = base::load_be32(rest.data());
  if (rest.size() - 4 < size) return std::nullopt;
  std::string text(base::as_text(rest.subspan(4, size)));
  rest = rest.subspan(4 + size);
  return text;
}

std::uint64_t crc_of(base::ByteView bytes) {
  ltx::Crc64 crc;
  crc.update(bytes);
  return crc.value();
}

}  // namespace

base::Bytes encode(const ResumeRecord& record) {
  base::Bytes out(kMagic.begin(), kMagic.end());
  put64(out, record.state.txid.value);
  put32(out, record.state.page_size);
  put32(out, record.state.pages);
  put64(out, record.state.stated_checksum);
  put64(out, static_cast<std::uint64_t>(record.state.timestamp.count()));
  put64(out, record.checksum);
  put_text(out, record.backup);
  put_text(out, record.unfinished);
  out.reserve(out.size() + 8 * record.have.words().size() + 8);
  for (const std::uint64_t word : record.have.words()) put64(out, word);
  put64(out, crc_of(out));
  return out;
}

std::optional<ResumeRecord> decode_resume_record(base::ByteView bytes) {
  if (bytes.size() < kFixedBytes + 8 || base::as_text(bytes.first(kMagic.size())) != kMagic) return std::nullopt;
  const base::ByteView content = bytes.first(bytes.size() - 8);
  if (crc_of(content) != base::load_be64(bytes.data() + content.size())) return std::nullopt;
  ResumeRecord record;
  const std::uint8_t* p = content.data();
  record.state = {.txid = base::Txid{base::load_be64(p + 8)},
                  .page_size = base::load_be32(p + 16),
                  .pages = base::load_be32(p + 20),
                  .stated_checksum = base::load_be64(p + 24),
                  .timestamp = base::UnixMillis{static_cast<std::int64_t>(base::load_be64(p + 32))}};
  record.checksum = base::load_be64(p + 40);
  base::ByteView rest = content.subspan(kFixedBytes);
  auto backup = take_text(rest);
  auto unfinished = take_text(rest);
  const std::uint64_t words = std::uint64_t{record.state.pages} / 64 + 1;
  if (!backup || !unfinished || rest.size() != 8 * words) return std::nullopt;
  if (!ltx::is_valid_page_size(record.state.page_size) || record.state.pages == 0) return std::nullopt;
  record.backup = *std::move(backup);
  record.unfinished = *std::move(unfinished);
  std::vector<std::uint64_t> bits(words);
  for (std::size_t i = 0; i < words; ++i) bits[i] = base::load_be64(rest.data() + 8 * i);
  record.have = PageBits(record.state.pages, std::move(bits));
  return record;
}

RestoreResume::RestoreResume(RestoreOutput& output, std::string backup)
    : output_(output), backup_(std::move(backup)), record_path_(output.record_path()) {}

base::Result<std::optional<ResumeRecord>> RestoreResume::read_record() {
  auto file = os::File::open_read_only(record_path_);
  if (!file && file.error().category == Category::not_found) return std::nullopt;
  if (!file) return base::fail(std::move(file).error());
  TRY_ASSIGN(const os::FileStat stat, file->stat());
  foreign_record_ = true;
  if (!os::is_ours_alone(stat) || stat.size_bytes > kRecordBytesMax) return std::nullopt;
  base::Bytes bytes(stat.size_bytes);
  TRY_ASSIGN(const std::size_t count, file->read_at(0, bytes));
  bytes.resize(count);
  auto record = decode_resume_record(bytes);
  foreign_record_ = !record;
  return record;
}

base::Result<> RestoreResume::open(bool for_its_maker_alone) {
  if (for_its_maker_alone) {
    foreign_record_ = true;
    TRY_ASSIGN(file_, output_.create(for_its_maker_alone));
    return {};
  }
  TRY_ASSIGN(auto record, read_record());
  if (record) {
    TRY_ASSIGN(auto unfinished, output_.adopt(record->unfinished));
    if (unfinished && record->backup == backup_) {
      file_ = *std::move(unfinished);
      found_ = std::move(record);
      return {};
    }
    TRY(output_.discard_adopted());
    TRY(os::remove_file(record_path_));
  }
  TRY_ASSIGN(file_, output_.create(false));
  return {};
}

base::Result<> RestoreResume::start_afresh() {
  if (!found_) return {};
  found_.reset();
  TRY(forget());
  return file_.truncate(0);
}

base::Result<bool> RestoreResume::is_as_recorded(const ResumeRecord& record) const {
  const std::uint32_t page_size = record.state.page_size;
  const std::uint64_t pages_at_once = std::max<std::uint64_t>(kReadBytes / page_size, 1);
  base::Bytes buffer(pages_at_once * page_size);
  ltx::DatabaseChecksum sum;
  for (std::uint64_t first = 1; first <= record.state.pages; first += pages_at_once) {
    TRY_ASSIGN(const std::size_t count, file_.read_at((first - 1) * page_size, buffer));
    for (std::uint64_t i = 0; i < pages_at_once && first + i <= record.state.pages; ++i) {
      const auto page = static_cast<std::uint32_t>(first + i);
      if (record.have.is_missing(page)) continue;
      if ((i + 1) * page_size > count) return false;
      sum.toggle(ltx::page_checksum(page, base::ByteView(buffer).subspan(i * page_size, page_size)));
    }
  }
  return sum.value() == record.checksum;
}

std::optional<PageCheckpoints::Saved> RestoreResume::load() {
  if (!found_) return std::nullopt;
  const auto sound = is_as_recorded(*found_);
  if (!sound || !*sound) {
    base::log::warn("an interrupted restore cannot be continued, so it begins anew",
                    {{"path", output_.temporary_path().string()}});
    found_.reset();
    if (const auto forgotten = forget(); !forgotten) foreign_record_ = true;
    if (const auto emptied = file_.truncate(0); !emptied) foreign_record_ = true;
    return std::nullopt;
  }
  saved_ = true;
  return Saved{.state = found_->state, .have = std::exchange(found_->have, PageBits(0)), .checksum = found_->checksum};
}

base::Result<> RestoreResume::save(const StateIdentity& state, const PageBits& have, std::uint64_t checksum) {
  if (foreign_record_) return {};
  TRY(file_.sync());
  const base::Bytes bytes = encode({.state = state,
                                    .checksum = checksum,
                                    .backup = backup_,
                                    .unfinished = output_.temporary_path().filename().string(),
                                    .have = have});
  fs::path fresh = output_.temporary_path();
  fresh += ".record";
  {
    TRY_ASSIGN(os::File record, os::File::create(fresh));
    TRY(record.write_at(0, bytes));
    TRY(record.sync());
  }
  TRY(os::rename_file(fresh, record_path_));
  TRY(os::sync_directory(record_path_.parent_path()));
  saved_ = true;
  return {};
}

base::Result<> RestoreResume::forget() {
  saved_ = false;
  if (foreign_record_) return {};
  return os::remove_file(record_path_);
}

}  // namespace engine
