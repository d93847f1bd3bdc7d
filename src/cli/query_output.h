// What a query found, as text: an aligned table for people, CSV or JSON for machines.
//
//            table              CSV (RFC 4180, lines end in LF)   JSON
//   NULL     NULL               nothing                           null
//   INTEGER  right-aligned      digits                            number
//   REAL     shortest exact     shortest exact                    number; infinity as 9.0e+999, as sqlite3 writes it
//   TEXT     controls escaped   as it is, quoted where needed;    string, what is no UTF-8 replaced
//                               an empty one is ""
//   BLOB     X'0A0B'            X'0A0B'                           string of hexadecimal digits
//
// Each statement with columns gives one result: a table or CSV with its column names (a blank line stands between two),
// or one JSON array of objects. JSON keys are unique: the second "id" of a row is "id:2".
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "base/error.h"
#include "cli/config.h"
#include "sqlite/read_session.h"

namespace cli {

using WriteText = std::function<base::Result<>(std::string_view text)>;

// Writes as rows come: memory does not grow with the result. A table's widths are those of its first 200 rows.
std::unique_ptr<sqlite::RowSink> make_query_output(QueryFormat format, WriteText write);

}  // namespace cli
