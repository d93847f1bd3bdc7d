#include "sqlite/quick_check.h"

#include "sqlite/connection.h"

namespace sqlite {

base::Result<> check_database(const std::filesystem::path& path, CheckKind kind, const std::stop_token& stop) {
  TRY_ASSIGN(Connection connection, Connection::open_immutable(path));
  if (stop.stop_possible()) connection.end_when(stop);
  const auto finding =
      connection.query_text(kind == CheckKind::quick ? "PRAGMA quick_check(1)" : "PRAGMA integrity_check(1)");
  if (!finding) return base::fail(finding.error().with_context("check " + path.string()));
  if (*finding != "ok") return base::fail(base::Category::corrupt, "check " + path.string() + ": " + *finding);
  return {};
}

}  // namespace sqlite
