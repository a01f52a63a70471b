/* Preloaded: the process's SQLite runs on the faulty VFS (faulty_vfs.h), set by FAULTY_VFS. A program sets it anew by
 * `io.open("/faulty-vfs/slow=100")`, and reads from the file "OPERATIONS SYNCS READS FAILURES"; where a setting is
 * wrong there is no file. Built by spec/support/faulty_vfs.lua. */
#include "faulty_vfs.h"

#include <dlfcn.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX "/faulty-vfs/"

static __attribute__((constructor)) void install(void)
{
	const char *settings = getenv("FAULTY_VFS");
	if (settings == NULL) return;
	faulty_vfs_install();
	if (faulty_vfs_set(settings)) return;
	fprintf(stderr, "FAULTY_VFS=%s: there is no such setting\n", settings);
	abort();
}

static FILE *answer(const char *settings)
{
	char text[100];
	if (!faulty_vfs_set(settings)) return NULL;
	struct faulty_vfs_counts now = faulty_vfs_counts();
	snprintf(text, sizeof(text), "%" PRId64 " %" PRId64 " %" PRId64 " %" PRId64, now.operations, now.syncs,
	         now.reads, now.failures);
	FILE *file = fmemopen(NULL, strlen(text) + 1, "w+");
	if (file == NULL) return NULL;
	fputs(text, file);
	rewind(file);
	return file;
}

FILE *fopen64(const char *path, const char *mode)
{
	static FILE *(*real)(const char *, const char *);
	if (real == NULL) *(void **)&real = dlsym(RTLD_NEXT, "fopen64");
	return strncmp(path, PREFIX, strlen(PREFIX)) == 0 ? answer(path + strlen(PREFIX)) : real(path, mode);
}

FILE *fopen(const char *path, const char *mode)
{
	return fopen64(path, mode);
}
