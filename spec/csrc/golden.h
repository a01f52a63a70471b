/* Replays golden traces (folders are named from spec/csrc): what a machine answers to each line of a file is written
 * behind that line, and what comes out has to be the file. APS_GOLDEN_WRITE=1 writes it into the file instead of
 * comparing. */
#ifndef APS_SPEC_GOLDEN_H
#define APS_SPEC_GOLDEN_H

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const char *golden_dir(const char *folder)
{
	static char dir[512];
	const char *slash = strrchr(__FILE__, '/');
	snprintf(dir, sizeof dir, "%.*s/%s", (int)(slash - __FILE__), __FILE__, folder);
	return dir;
}

static char *golden_read(const char *path)
{
	FILE *file = fopen(path, "rb");
	assert_non_null(file);
	struct aps_buf buf;
	aps_buf_init(&buf, APS_BUF_ANY_SIZE);
	char chunk[4096];
	size_t n;
	while ((n = fread(chunk, 1, sizeof chunk, file)) > 0) aps_buf_add(&buf, chunk, n);
	fclose(file);
	return aps_buf_take(&buf, NULL);
}

static void golden_write(const char *path, struct aps_str text)
{
	FILE *file = fopen(path, "wb");
	assert_non_null(file);
	assert_int_equal(fwrite(text.p, 1, text.n, file), text.n);
	fclose(file);
}

/* `line` adds the line itself and what follows from it to `out`. */
static void golden_replay(const char *path, void (*line)(void *replay, char *text), void *replay,
                          const struct aps_buf *out)
{
	char *expected = golden_read(path);
	char *lines = aps_strndup(expected, strlen(expected));
	assert_non_null(lines);
	char *save = NULL;
	/* An empty line stays one: strtok_r would swallow it, so line breaks are found by hand. */
	for (char *text = lines; text != NULL; text = save) {
		save = strchr(text, '\n');
		if (save != NULL) *save++ = '\0';
		if (save == NULL && *text == '\0') break;
		line(replay, text);
	}
	if (getenv("APS_GOLDEN_WRITE") != NULL)
		golden_write(path, aps_buf_str(out));
	else
		assert_string_equal(out->p, expected);
	aps_free(lines);
	aps_free(expected);
}

static void golden_add_err(struct aps_buf *out, const struct aps_err *err)
{
	if (err == NULL) return;
	aps_buf_addf(out, " %s", aps_rc_name(err->code));
	if (aps_err_word(err) != NULL) aps_buf_addf(out, " word=%s", aps_err_word(err));
	if (err->native != 0) aps_buf_addf(out, " native=%ld", err->native);
	if (err->retryable) aps_buf_add_text(out, " retryable");
	if (err->sent) aps_buf_add_text(out, " sent");
	aps_buf_addf(out, " (%s)", err->msg);
}

static inline enum aps_rc golden_rc(const char *name)
{
	for (int rc = 0; rc < APS_RC_COUNT; rc++)
		if (strcmp(aps_rc_name((enum aps_rc)rc), name) == 0) return (enum aps_rc)rc;
	fail_msg("no error is called %s", name);
	return APS_OK;
}

/* Runs `replay_file` for each trace of the folder, its path as the state. */
static int golden_run(const char *folder, const char *group, CMUnitTestFunction replay_file)
{
	static struct CMUnitTest tests[64];
	static char paths[64][1024];
	size_t n = 0;
	DIR *dir = opendir(golden_dir(folder));
	if (dir == NULL) return 1;
	for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
		const char *dot = strrchr(entry->d_name, '.');
		if (dot == NULL || strcmp(dot, ".trace") != 0 || n == APS_COUNTOF(tests)) continue;
		snprintf(paths[n], sizeof paths[n], "%s/%s", golden_dir(folder), entry->d_name);
		tests[n] = (struct CMUnitTest){strrchr(paths[n], '/') + 1, replay_file, NULL, NULL, paths[n]};
		n++;
	}
	closedir(dir);
	if (n == 0) return 1;
	return _cmocka_run_group_tests(group, tests, n, NULL, NULL);
}

#endif
