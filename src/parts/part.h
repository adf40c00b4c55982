/* SPDX-License-Identifier: Apache-2.0
 * One of N parts of a run over a sharded model, made where nothing is known of the others.
 *
 * Every part plans the whole model, for which headers are enough, and so knows the index, the
 * config.json and every shard's bytes as the one-machine run has them; it writes only its own
 * shards. Beside them it leaves a record of what it was made from and of what it wrote. aq_index
 * joins the parts where all records tell of one run, and removes the records. */
#ifndef AQ_PART_H
#define AQ_PART_H

#include "plan/plan.h"

enum { AQ_PARTS_MOST = 65536, AQ_PART_RECORD_VERSION = 1 };

/* What all parts of one run have in common. */
typedef struct aq_part_identity {
    const char *version; /* of this program */
    const char *options; /* that the output's bytes depend on, as text */
    uint64_t input;      /* names, shapes and places of all tensors, and weights of each */
    uint64_t whole;      /* the same and the texts, index and config.json */
} aq_part_identity;

/* Files in the output directory and the checksum of all of them (output.h), each under its index:
 * that in the layout for shards, the number of shards and more for other files. */
typedef struct aq_part_file {
    const char *name;
    uint32_t index;
    uint64_t bytes;
} aq_part_file;

typedef struct aq_part_files {
    const aq_part_file *file;
    size_t count;
    uint64_t checksum;
} aq_part_files;

typedef struct aq_part {
    unsigned part, parts;
    aq_part_identity identity;
    aq_part_files shards, copies; /* the first part has the copies */
    const aq_out_text *texts;     /* and the texts, which aq_index writes */
    size_t text_count;
    aq_arena arena; /* holds everything here but what the plan holds */
} aq_part;

/* Cuts the plan of the whole model down to one part: items, tiles and files. Fails (AQ_USAGE) where
 * `directory` has the part's record, without `force`. aq_part_free afterwards, failed or not. */
aq_status aq_part_take(aq_part *part, aq_plan *plan, const aq_quantize_options *options,
                       const char *directory, aq_error *err);

/* Writes the record of a part whose shards have appeared with this checksum. */
aq_status aq_part_record(aq_part *part, const aq_plan *plan, const char *directory,
                         uint64_t checksum, bool force, bool sync, aq_error *err);
void aq_part_free(aq_part *part);

/* "arrowquant-part-2-of-3.json", in the arena; NULL when out of memory. */
const char *aq_part_name(aq_arena *arena, unsigned part, unsigned parts);
/* Whether a name is one, and of which part. */
bool aq_part_name_parse(const char *name, unsigned *part, unsigned *parts);

/* Reads a record. Everything lies in part->arena. */
aq_status aq_part_read(aq_part *part, const char *directory, const char *name, aq_error *err);

/* Sums the files up as they are in `directory`: *checksum. A missing one, or one of another size,
 * is AQ_BAD_INPUT. cancel: may be NULL. */
aq_status aq_part_sum(const aq_part_files *files, const char *directory, const volatile int *cancel,
                      uint64_t *checksum, aq_error *err);

#endif
