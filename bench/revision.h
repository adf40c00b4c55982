/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_REVISION_H
#define BENCH_REVISION_H

/* The commit this was built from, "-dirty" where files were changed; "unknown" outside git. */
extern const char bench_revision[];

#endif
