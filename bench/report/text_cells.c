/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "text_cells.h"
#include "util.h"

#include <math.h>
#include <stdio.h>

enum { CELL = BENCH_CELL };

const char *bench_cell_number(const bench_summary *summary, double unit, char *out)
{
    return bench_number(summary->median / unit, out, CELL);
}

const char *bench_cell_factor(const bench_summary *summary, char *out)
{
    if (summary->count == 0)
        (void)snprintf(out, CELL, "N/A");
    else
        (void)snprintf(out, CELL, "%.2fx", summary->median);
    return out;
}

const char *bench_cell_percent(const bench_summary *summary, char *out)
{
    if (summary->count == 0)
        (void)snprintf(out, CELL, "N/A");
    else
        (void)snprintf(out, CELL, "%.1f%%", 100 * summary->median);
    return out;
}

const char *bench_cell_range_in(const bench_summary *summary, double unit, char *out)
{
    char low[BENCH_CELL], high[BENCH_CELL];
    if (!(summary->confidence > 0))
        (void)snprintf(out, BENCH_CELL, "N/A");
    else
        (void)snprintf(out, BENCH_CELL, "%.12s-%.12s",
                       bench_number(summary->low / unit, low, sizeof low),
                       bench_number(summary->high / unit, high, sizeof high));
    return out;
}

const char *bench_cell_range(const bench_summary *summary, char *out)
{
    return bench_cell_range_in(summary, 1, out);
}

const char *bench_cell_percents(const bench_summary *summary, char *out)
{
    if (!(summary->confidence > 0))
        (void)snprintf(out, CELL, "N/A");
    else
        (void)snprintf(out, CELL, "%.1f-%.1f%%", 100 * summary->low, 100 * summary->high);
    return out;
}

const char *bench_cell_slower(double log_ratio, const char *unknown, char *out)
{
    if (!isfinite(log_ratio))
        return unknown;
    (void)snprintf(out, BENCH_CELL, "%+.2f%%", 100 * expm1(log_ratio));
    return out;
}
