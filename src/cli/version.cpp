#include "cli/version.h"

#include <curl/curl.h>
#include <lz4.h>
#include <openssl/crypto.h>
#include <sqlite3.h>

#include "cli/build_info.h"

namespace cli {

std::string version() {
  return kVersion;
}

std::string version_text() {
  std::string text = "litestream-manager " + version();
  if (!std::string_view(kCommit).empty()) text += " (commit " + std::string(kCommit) + ")";
  text += "\nSQLite " + std::string(sqlite3_libversion());
  text += "\nlibcurl " + std::string(curl_version_info(CURLVERSION_NOW)->version);
  text += "\n" + std::string(OpenSSL_version(OPENSSL_VERSION));
  text += "\nLZ4 " + std::string(LZ4_versionString());
  return text + "\n";
}

}  // namespace cli
