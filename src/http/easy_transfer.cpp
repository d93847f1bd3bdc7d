#include "http/easy_transfer.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "http/curl_error.h"
#include "http/url.h"

namespace http {

namespace {

constexpr std::uint64_t kLargeBodyBytes = 1U << 20;
constexpr long kLargeUploadBufferBytes = 256L << 10;
constexpr std::uint64_t kReserveBytesMax = 16U << 20;

std::string_view trim(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

bool breaks_line(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos;
}

}  // namespace

EasyTransfer::EasyTransfer(Request request, const TransferOptions& options)
    : request_(std::move(request)), options_(options), easy_(curl_easy_init()) {}

base::Result<> EasyTransfer::set_up() {
  if (!easy_) return base::fail(base::Category::io, "out of memory for a transfer");
  CURL* easy = easy_.get();
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, error_text_);
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  // Without it, cancelling waits for a name resolution that is under way.
  curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
  curl_easy_setopt(easy, CURLOPT_URL, request_.url.c_str());
  curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt(easy, CURLOPT_USERAGENT, options_.user_agent.c_str());
  if (!options_.ca_file.empty()) curl_easy_setopt(easy, CURLOPT_CAINFO, options_.ca_file.c_str());
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &EasyTransfer::on_write);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, this);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, &EasyTransfer::on_header);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, this);
  set_method();
  set_timeouts();
  return set_headers();
}

void EasyTransfer::set_method() {
  CURL* easy = easy_.get();
  const auto body_bytes = static_cast<curl_off_t>(request_.body ? request_.body->size_bytes : 0);
  switch (request_.method) {
    case Method::get:
      curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
      break;
    case Method::head:
      curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
      break;
    case Method::erase:
      curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, "DELETE");
      break;
    case Method::put:
      curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
      curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, body_bytes);
      break;
    case Method::post:
      curl_easy_setopt(easy, CURLOPT_POST, 1L);
      curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, body_bytes);
      break;
  }
  if (request_.method != Method::put && request_.method != Method::post) return;
  curl_easy_setopt(easy, CURLOPT_READFUNCTION, &EasyTransfer::on_read);
  curl_easy_setopt(easy, CURLOPT_READDATA, this);
  curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, &EasyTransfer::on_seek);
  curl_easy_setopt(easy, CURLOPT_SEEKDATA, this);
  if (std::cmp_greater(body_bytes, kLargeBodyBytes)) {
    curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, kLargeUploadBufferBytes);
  }
}

void EasyTransfer::set_timeouts() {
  CURL* easy = easy_.get();
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(request_.connect_timeout.count()));
  curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, static_cast<long>(request_.stall_timeout.count()));
}

base::Result<> EasyTransfer::set_headers() {
  // An empty value removes libcurl's own: a wait for "100 Continue" costs a round trip, and some stores never send it.
  curl_slist* list = curl_slist_append(nullptr, "Expect:");
  header_list_.reset(list);
  bool has_content_type = false;
  for (const auto& [name, value] : request_.headers) {
    if (breaks_line(name) || breaks_line(value)) {
      return base::fail(base::Category::invalid, fmt::format("header '{}' holds a line break", name));
    }
    has_content_type |= name == "content-type" || name == "Content-Type";
    list = curl_slist_append(list, fmt::format("{}: {}", name, value).c_str());
    if (list == nullptr) return base::fail(base::Category::io, "out of memory for a transfer");
  }
  if (!has_content_type && request_.method == Method::post) list = curl_slist_append(list, "Content-Type:");
  curl_easy_setopt(easy_.get(), CURLOPT_HTTPHEADER, header_list_.get());
  return {};
}

std::string EasyTransfer::subject() const {
  const auto url = parse_url(request_.url);
  return fmt::format("{} {}", to_string(request_.method), url ? host_header(*url) : "invalid URL");
}

base::Result<Response> EasyTransfer::finish(CURLcode code) {
  if (body_error_) return base::fail(*std::move(body_error_));
  if (answer_too_long_) {
    return base::fail(base::Category::corrupt,
                      fmt::format("{}: answer is longer than {} bytes", subject(), request_.response_bytes_max));
  }
  if (code != CURLE_OK) {
    keep_partial();
    const std::string_view reason = error_text_[0] != '\0' ? std::string_view(error_text_) : curl_easy_strerror(code);
    return base::fail(category_of(code), fmt::format("{}: {}", subject(), reason));
  }
  long status = 0;
  curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &status);
  response_.status = static_cast<int>(status);
  return std::move(response_);
}

void EasyTransfer::keep_partial() {
  long status = 0;
  curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &status);
  if (request_.keep_partial && status >= 200 && status < 300) *request_.keep_partial = std::move(response_.body);
}

std::size_t EasyTransfer::read_body(base::MutableByteView out) {
  if (!request_.body) return 0;
  const std::size_t wanted = std::min<std::uint64_t>(out.size(), request_.body->size_bytes - sent_bytes_);
  if (wanted == 0) return 0;
  if (auto read = request_.body->read_at(sent_bytes_, out.first(wanted)); !read) {
    body_error_ = std::move(read).error();
    return CURL_READFUNC_ABORT;
  }
  sent_bytes_ += wanted;
  return wanted;
}

std::size_t EasyTransfer::take_bytes(base::ByteView bytes) {
  base::Bytes& body = response_.body;
  if (bytes.size() > request_.response_bytes_max - body.size()) {
    answer_too_long_ = true;
    return 0;
  }
  if (body.empty()) {
    curl_off_t announced = -1;
    curl_easy_getinfo(easy_.get(), CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &announced);
    // A store's word about a length is only a hint, so it may not make us allocate without limit.
    if (announced > 0) {
      body.reserve(std::min({static_cast<std::uint64_t>(announced), request_.response_bytes_max, kReserveBytesMax}));
    }
  }
  body.insert(body.end(), bytes.begin(), bytes.end());
  return bytes.size();
}

void EasyTransfer::take_header(std::string_view line) {
  if (line.starts_with("HTTP/")) {  // a new head: the one before was informational
    response_.headers.clear();
    return;
  }
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return;
  std::string name(trim(line.substr(0, colon)));
  std::ranges::transform(name, name.begin(),
                         [](char c) { return (c >= 'A' && c <= 'Z') ? static_cast<char>(c - 'A' + 'a') : c; });
  const std::string_view value = trim(line.substr(colon + 1));
  const auto [entry, inserted] = response_.headers.emplace(std::move(name), value);
  if (!inserted) entry->second.append(", ").append(value);
}

std::size_t EasyTransfer::on_read(char* out, std::size_t size, std::size_t count, void* self) {
  return static_cast<EasyTransfer*>(self)->read_body({reinterpret_cast<std::uint8_t*>(out), size * count});
}

int EasyTransfer::on_seek(void* self, curl_off_t offset, int origin) {
  auto& transfer = *static_cast<EasyTransfer*>(self);
  if (origin != SEEK_SET || offset < 0) return CURL_SEEKFUNC_CANTSEEK;
  transfer.sent_bytes_ = static_cast<std::uint64_t>(offset);
  return CURL_SEEKFUNC_OK;
}

std::size_t EasyTransfer::on_write(char* bytes, std::size_t size, std::size_t count, void* self) {
  return static_cast<EasyTransfer*>(self)->take_bytes(base::as_bytes({bytes, size * count}));
}

std::size_t EasyTransfer::on_header(char* line, std::size_t size, std::size_t count, void* self) {
  static_cast<EasyTransfer*>(self)->take_header({line, size * count});
  return size * count;
}

}  // namespace http
