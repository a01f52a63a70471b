#include "store/db_error.h"

#include <errno.h>
#include <sqlite3.h>

/* A disk that is full, a file that may not be touched and a system that is exhausted are "can't open" or "I/O error" to
 * SQLite wherever it isn't writing a page: a file of shared memory can't grow, the log can't be made. */
static struct aps_db_fault fault_of_file(int system)
{
	switch (system) {
	case ENOMEM: return (struct aps_db_fault){APS_E_NOMEM, NULL};
	case EMFILE:
	case ENFILE: return (struct aps_db_fault){APS_E_SYSTEM, "descriptors"};
	case ENOSPC:
	case EDQUOT:
	case EFBIG: return (struct aps_db_fault){APS_E_STORAGE, "full"};
	case EROFS:
	case EACCES:
	case EPERM: return (struct aps_db_fault){APS_E_STORAGE, "readonly"};
	default: return (struct aps_db_fault){APS_E_STORAGE, NULL};
	}
}

struct aps_db_fault aps_db_fault_of(int code, int system)
{
	switch (code) {
	case SQLITE_IOERR_NOMEM: return (struct aps_db_fault){APS_E_NOMEM, NULL};
	case SQLITE_IOERR_CORRUPTFS:
	case SQLITE_IOERR_DATA: return (struct aps_db_fault){APS_E_STORAGE, "corrupt"};
	default: break;
	}
	switch (code & 0xff) {
	case SQLITE_NOMEM: return (struct aps_db_fault){APS_E_NOMEM, NULL};
	case SQLITE_IOERR:
	case SQLITE_CANTOPEN: return fault_of_file(system);
	case SQLITE_FULL: return (struct aps_db_fault){APS_E_STORAGE, "full"};
	case SQLITE_READONLY: return (struct aps_db_fault){APS_E_STORAGE, "readonly"};
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
	case SQLITE_PROTOCOL: return (struct aps_db_fault){APS_E_STORAGE, "locked"};
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB: return (struct aps_db_fault){APS_E_STORAGE, "corrupt"};
	case SQLITE_AUTH: return (struct aps_db_fault){APS_E_USAGE, NULL}; /* only the guard of transactions refuses */
	default: return (struct aps_db_fault){APS_E_STORAGE, NULL};
	}
}

bool aps_db_is_under_repair(const struct aps_err *err)
{
	return err->native == SQLITE_BUSY_RECOVERY;
}
