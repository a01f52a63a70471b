/* In what form a read writes what it has found: as JSON text, or packed (cache/packed.h). A failure is sticky, in the
 * buffer or in w.err. What is written comes from a file that others can damage: what isn't UTF-8, no number or no JSON
 * is refused, where it isn't merely passed over. */
#ifndef APS_CACHE_RESULT_WRITER_H
#define APS_CACHE_RESULT_WRITER_H

#include "cache/cell.h"
#include "cache/selection.h"
#include "codec/json_writer.h"

struct aps_result_form;

struct aps_result_writer {
	const struct aps_result_form *form;
	struct aps_json_writer w; /* the packed form uses its buffer and its error */
};

struct aps_result_form {
	/* Returns what its end is to be told. */
	size_t (*open)(struct aps_result_writer *out, bool is_list);
	void (*close)(struct aps_result_writer *out, bool is_list, size_t opened, size_t n_items);
	void (*key)(struct aps_result_writer *out, const struct aps_selection_field *field);
	/* Any but REF, LIST, LONG_LIST, OBJECT, and what is in patches only. */
	void (*scalar)(struct aps_result_writer *out, const struct aps_cell *value);
	/* A key and such a value, as it was taken (value->whole). */
	void (*member)(struct aps_result_writer *out, const struct aps_selection_field *field,
	               const struct aps_cell *value);
	/* A whole value that was written in this form. */
	void (*again)(struct aps_result_writer *out, struct aps_str written);
};

APS_BEGIN_DECLS

extern const struct aps_result_form aps_result_text, aps_result_packed;

APS_END_DECLS

#endif
