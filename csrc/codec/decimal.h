/* Doubles as decimal text, correctly rounded both ways, whatever the locale is. */
#ifndef APS_CODEC_DECIMAL_H
#define APS_CODEC_DECIMAL_H

#include "base/str.h"

#define APS_DECIMAL_CHARS 320 /* -DBL_MAX as an integer has 310 */

APS_BEGIN_DECLS

/* mantissa * 10^exponent where one exact operation gives it; false: use aps_decimal_parse(). */
bool aps_decimal_scale_fast(uint64_t mantissa, int64_t exponent, double *value);
/* The value of a JSON number's text (its grammar was checked). Above the range it is an infinity. */
double aps_decimal_parse(struct aps_str number);
/* Whether no other value has this double: `value` is of the JSON number's text. A double tells all numbers of
 * DBL_DIG digits apart where it is normal, and has one shortest text; zero is itself alone. */
bool aps_decimal_is_distinct(struct aps_str number, double value);
/* The shortest text that reads back the same, as a JSON number; integral values with all digits and no exponent.
 * `value` must be finite. Returns the length; there is no terminating zero. */
size_t aps_decimal_print(double value, char out[APS_DECIMAL_CHARS]);
/* The same with a fraction or an exponent, also of integral values: 1.0, 1e300. */
size_t aps_decimal_print_float(double value, char out[APS_DECIMAL_CHARS]);
/* Returns the length (at most 20); there is no terminating zero. */
size_t aps_decimal_print_int(int64_t value, char out[20]);

APS_END_DECLS

#endif
