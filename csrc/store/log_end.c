#include "store/log_end.h"

#include "base/mem.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define HEADER_BYTES 32
#define FRAME_BYTES  24 /* before its page */
#define MAGIC        UINT32_C(0x377f0682)
#define MIN_PAGE     512
#define MAX_PAGE     65536

struct log {
	FILE *file;
	uint8_t *frame; /* with its page */
	uint8_t salts[8];
	size_t n_page;
	bool is_big_endian; /* in checksums */
	uint32_t sum[2];
};

static uint32_t big_endian(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static uint32_t word_at(const struct log *log, const uint8_t *p)
{
	if (log->is_big_endian) return big_endian(p);
	return (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

/* Of n bytes, a multiple of eight, after those before. */
static void add_to_sum(struct log *log, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i += 8) {
		log->sum[0] += word_at(log, p + i) + log->sum[1];
		log->sum[1] += word_at(log, p + i + 4) + log->sum[0];
	}
}

static bool is_sum(const struct log *log, const uint8_t *p)
{
	return big_endian(p) == log->sum[0] && big_endian(p + 4) == log->sum[1];
}

/* False: SQLite reads nothing of this log. */
static bool read_header(struct log *log, const uint8_t header[HEADER_BYTES])
{
	uint32_t magic = big_endian(header), n_page = big_endian(header + 8);
	log->is_big_endian = (magic & 1) != 0;
	add_to_sum(log, header, 24);
	memcpy(log->salts, header + 16, sizeof log->salts);
	log->n_page = n_page;
	bool is_page = n_page >= MIN_PAGE && n_page <= MAX_PAGE && (n_page & (n_page - 1)) == 0;
	return (magic & ~UINT32_C(1)) == MAGIC && is_page && is_sum(log, header + 24);
}

/* Of the header alone too: the rest isn't there. */
static bool is_of_this_log(const struct log *log, size_t n_read)
{
	return n_read >= 16 && memcmp(log->frame + 8, log->salts, sizeof log->salts) == 0;
}

static bool is_whole(struct log *log, size_t n_read)
{
	if (n_read != FRAME_BYTES + log->n_page || big_endian(log->frame) == 0) return false;
	add_to_sum(log, log->frame, 8);
	add_to_sum(log, log->frame + FRAME_BYTES, log->n_page);
	return is_sum(log, log->frame + 16);
}

/* Frames of an earlier log, which this one hasn't written over yet, have other salts. */
static bool look(struct log *log)
{
	size_t n;
	bool is_open = false, is_broken = false;
	while ((n = fread(log->frame, 1, FRAME_BYTES + log->n_page, log->file)) != 0) {
		bool is_own = is_of_this_log(log, n);
		is_broken = is_broken || !is_own || !is_whole(log, n);
		if (is_own) is_open = is_broken || big_endian(log->frame + 4) == 0; /* 0: its transaction goes on */
	}
	return is_open;
}

static FILE *open_log(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	FILE *file = fd >= 0 ? fdopen(fd, "rb") : NULL;
	if (file == NULL && fd >= 0) close(fd);
	return file;
}

enum aps_rc aps_log_end_look(const char *path, bool *is_open, struct aps_err *err)
{
	uint8_t header[HEADER_BYTES];
	struct log log = {.file = open_log(path)};
	enum aps_rc rc = APS_OK;
	*is_open = false;
	if (log.file == NULL) return APS_OK;
	size_t n = fread(header, 1, sizeof header, log.file);
	if (n != sizeof header || !read_header(&log, header)) {
		*is_open = n == sizeof header && fgetc(log.file) != EOF;
	} else {
		log.frame = aps_malloc(FRAME_BYTES + log.n_page);
		if (log.frame == NULL)
			rc = aps_fail(err, APS_E_NOMEM, "no memory to read a log");
		else
			*is_open = look(&log);
		aps_free(log.frame);
	}
	fclose(log.file);
	return rc;
}
