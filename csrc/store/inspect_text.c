#include "store/inspect_text.h"

#include "codec/utf8.h"

void aps_inspect_put_text(struct aps_json_writer *w, const char *name, struct aps_str text)
{
	struct aps_buf clean;
	aps_buf_init(&clean, APS_BUF_ANY_SIZE);
	while (text.n != 0) {
		size_t n = aps_utf8_check(text);
		aps_buf_add(&clean, text.p, n);
		text = (struct aps_str){text.p + n, text.n - n};
		if (text.n == 0) break;
		n = aps_utf8_broken(text.p, text.p + text.n);
		text = (struct aps_str){text.p + n, text.n - n};
		aps_buf_add_text(&clean, "\xef\xbf\xbd");
	}
	aps_json_write_member(w, name, aps_buf_str(&clean));
	if (clean.rc != APS_OK) w->buf->rc = clean.rc;
	aps_buf_clear(&clean);
}

void aps_inspect_put_count(struct aps_json_writer *w, const char *name, uint64_t n)
{
	aps_json_write_key(w, aps_str_of(name));
	aps_json_write_int(w, (int64_t)n);
}
