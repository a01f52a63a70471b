#include "store/db_error.h"

#include <errno.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

struct row {
	int code, system;
	enum aps_rc rc;
	const char *word;
};

static void holds(const struct row *row)
{
	struct aps_db_fault fault = aps_db_fault_of(row->code, row->system);
	if (fault.rc != row->rc || (fault.word == NULL) != (row->word == NULL) ||
	    (row->word != NULL && strcmp(fault.word, row->word) != 0))
		fail_msg("%d, errno %d: %s %s", row->code, row->system, aps_rc_name(fault.rc),
		         fault.word != NULL ? fault.word : "no word");
}

static void what_sqlite_tells_itself_needs_no_errno(void **state)
{
	(void)state;
	static const struct row rows[] = {
	        {SQLITE_NOMEM, 0, APS_E_NOMEM, NULL},
	        {SQLITE_IOERR_NOMEM, 0, APS_E_NOMEM, NULL},
	        {SQLITE_FULL, 0, APS_E_STORAGE, "full"},
	        {SQLITE_READONLY, 0, APS_E_STORAGE, "readonly"},
	        {SQLITE_READONLY_DBMOVED, 0, APS_E_STORAGE, "readonly"},
	        {SQLITE_BUSY, 0, APS_E_STORAGE, "locked"},
	        {SQLITE_BUSY_SNAPSHOT, 0, APS_E_STORAGE, "locked"},
	        {SQLITE_LOCKED, 0, APS_E_STORAGE, "locked"},
	        {SQLITE_PROTOCOL, 0, APS_E_STORAGE, "locked"},
	        {SQLITE_CORRUPT, 0, APS_E_STORAGE, "corrupt"},
	        {SQLITE_CORRUPT_INDEX, 0, APS_E_STORAGE, "corrupt"},
	        {SQLITE_NOTADB, 0, APS_E_STORAGE, "corrupt"},
	        {SQLITE_IOERR_CORRUPTFS, 0, APS_E_STORAGE, "corrupt"},
	        {SQLITE_IOERR_DATA, 0, APS_E_STORAGE, "corrupt"},
	        {SQLITE_AUTH, 0, APS_E_USAGE, NULL},
	        {SQLITE_ERROR, 0, APS_E_STORAGE, NULL},
	        {SQLITE_CONSTRAINT_UNIQUE, 0, APS_E_STORAGE, NULL},
	        {SQLITE_IOERR_READ, 0, APS_E_STORAGE, NULL},
	        {SQLITE_CANTOPEN, 0, APS_E_STORAGE, NULL},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) holds(&rows[i]);
}

static void a_file_that_cannot_be_used_is_told_by_its_errno(void **state)
{
	(void)state;
	static const struct row rows[] = {
	        {0, ENOMEM, APS_E_NOMEM, NULL},
	        {0, EMFILE, APS_E_SYSTEM, "descriptors"},
	        {0, ENFILE, APS_E_SYSTEM, "descriptors"},
	        {0, ENOSPC, APS_E_STORAGE, "full"},
	        {0, EDQUOT, APS_E_STORAGE, "full"},
	        {0, EFBIG, APS_E_STORAGE, "full"},
	        {0, EROFS, APS_E_STORAGE, "readonly"},
	        {0, EACCES, APS_E_STORAGE, "readonly"},
	        {0, EPERM, APS_E_STORAGE, "readonly"},
	        {0, ENOENT, APS_E_STORAGE, NULL},
	        {0, EIO, APS_E_STORAGE, NULL},
	};
	static const int codes[] = {SQLITE_CANTOPEN, SQLITE_CANTOPEN_ISDIR, SQLITE_IOERR, SQLITE_IOERR_WRITE,
	                            SQLITE_IOERR_SHMSIZE};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (size_t k = 0; k < sizeof(codes) / sizeof(codes[0]); k++) {
			struct row row = rows[i];
			row.code = codes[k];
			holds(&row);
		}
}

static void an_errno_that_is_left_over_counts_for_nothing_else(void **state)
{
	(void)state;
	static const struct row rows[] = {
	        {SQLITE_ERROR, EMFILE, APS_E_STORAGE, NULL},
	        {SQLITE_BUSY, ENOSPC, APS_E_STORAGE, "locked"},
	        {SQLITE_CORRUPT, ENOMEM, APS_E_STORAGE, "corrupt"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) holds(&rows[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(what_sqlite_tells_itself_needs_no_errno),
	        cmocka_unit_test(a_file_that_cannot_be_used_is_told_by_its_errno),
	        cmocka_unit_test(an_errno_that_is_left_over_counts_for_nothing_else),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
