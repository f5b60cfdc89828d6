#ifndef PUSHD_CSQLITE_SHIM_H
#define PUSHD_CSQLITE_SHIM_H

#include <sqlite3.h>

/// SQLITE_TRANSIENT is a cast that Swift can't import: SQLite makes its own copy of what is bound.
static inline sqlite3_destructor_type pushd_sqlite_transient(void) { return SQLITE_TRANSIENT; }

#endif
