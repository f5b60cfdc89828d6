#ifndef PUSHD_CSQLITE_SHIM_H
#define PUSHD_CSQLITE_SHIM_H

#include <sqlite3.h>

/// SQLITE_TRANSIENT is a cast that Swift can't import: SQLite makes its own copy of what is bound.
static inline sqlite3_destructor_type pushd_sqlite_transient(void) { return SQLITE_TRANSIENT; }

/// sqlite3_db_config is variadic: switches one of its on/off options.
static inline int pushd_sqlite_switch(sqlite3 *database, int option, int on) {
    return sqlite3_db_config(database, option, on, (int *)0);
}

#endif
