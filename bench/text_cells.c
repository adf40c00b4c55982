/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "text_cells.h"
#include "util.h"

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

const char *bench_cell_range(const bench_summary *summary, char *out)
{
    char low[CELL], high[CELL];
    if (!(summary->confidence > 0))
        (void)snprintf(out, CELL, "N/A");
    else
        (void)snprintf(out, CELL, "%.12s-%.12s", bench_number(summary->low, low, sizeof low),
                       bench_number(summary->high, high, sizeof high));
    return out;
}

const char *bench_cell_percents(const bench_summary *summary, char *out)
{
    if (!(summary->confidence > 0))
        (void)snprintf(out, CELL, "N/A");
    else
        (void)snprintf(out, CELL, "%.1f-%.1f%%", 100 * summary->low, 100 * summary->high);
    return out;
}
