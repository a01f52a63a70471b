#include "base/err.h"

#include "base/printable.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
	const char *name;
	const char *kind;
	const char *word;
	bool retryable;
} TABLE[APS_RC_COUNT] = {
#define APS_RC_ROW(name, kind, word, retryable) {#name, kind, word, retryable},
        APS_RC_MAP(APS_RC_ROW)
#undef APS_RC_ROW
};

const char *aps_rc_name(enum aps_rc code)
{
	return code < APS_RC_COUNT ? TABLE[code].name : "E_UNKNOWN";
}

const char *aps_rc_kind(enum aps_rc code)
{
	return code < APS_RC_COUNT ? TABLE[code].kind : "protocol";
}

void aps_err_clear(struct aps_err *err)
{
	memset(err, 0, sizeof *err);
}

const char *aps_err_word(const struct aps_err *err)
{
	if (err->word != NULL) return err->word;
	return err->code < APS_RC_COUNT ? TABLE[err->code].word : NULL;
}

static void fill(struct aps_err *err, enum aps_rc code, const char *format, va_list args)
{
	aps_err_clear(err);
	err->code = code;
	err->retryable = code < APS_RC_COUNT && TABLE[code].retryable;
	int n = vsnprintf(err->msg, sizeof err->msg, format, args);
	if (n >= (int)sizeof err->msg) aps_printable_cut(err->msg);
	aps_printable(err->msg);
}

enum aps_rc aps_fail(struct aps_err *err, enum aps_rc code, const char *format, ...)
{
	if (err == NULL) return code;
	va_list args;
	va_start(args, format);
	fill(err, code, format, args);
	va_end(args);
	return code;
}

enum aps_rc aps_fail_word(struct aps_err *err, enum aps_rc code, const char *word, long native, const char *format, ...)
{
	if (err == NULL) return code;
	va_list args;
	va_start(args, format);
	fill(err, code, format, args);
	va_end(args);
	err->word = word;
	err->native = native;
	return code;
}
