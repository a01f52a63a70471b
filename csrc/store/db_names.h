/* A file of several names (hard links): SQLite finds a database's log by its name, so two processes that have it by two
 * of them would each write to a log that the other doesn't know (https://www.sqlite.org/howtocorrupt.html, section
 * 2.5). @thread any */
#ifndef APS_STORE_DB_NAMES_H
#define APS_STORE_DB_NAMES_H

#include "base/macros.h"

#include <stdbool.h>

APS_BEGIN_DECLS

/* It has several names, and another process has it open at this moment, whose number is *pid. Not while this process
 * has it open. */
bool aps_db_is_open_by_name(const char *path, long *pid);

APS_END_DECLS

#endif
