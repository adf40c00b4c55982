/* SPDX-License-Identifier: Apache-2.0
 * The record of one part of a run, as aq_index reads it. */
#include <config.h>

#include "parts/part.h"

#include <string.h>

#include "base/utf8.h"
#include "fuzz.h"

static const char name[] = "arrowquant-part-2-of-3.json";
static fuzz_file record;

static void check_text(const char *text)
{
    FUZZ_REQUIRE(text != NULL && aq_utf8_valid(text, strlen(text)));
}

/* What joins a name to the directory must stay in it. */
static void check_name(const char *file)
{
    check_text(file);
    FUZZ_REQUIRE(file[0] != '\0' && strchr(file, '/') == NULL);
    FUZZ_REQUIRE(strcmp(file, ".") != 0 && strcmp(file, "..") != 0);
}

static void check_files(const aq_part_files *files)
{
    for (size_t i = 0; i < files->count; i++)
        check_name(files->file[i].name);
}

static void check_part(const aq_part *part)
{
    FUZZ_REQUIRE(part->part == 2 && part->parts == 3);
    check_text(part->identity.version);
    check_text(part->identity.options);
    check_files(&part->shards);
    check_files(&part->copies);
    for (size_t i = 0; i < part->text_count; i++) {
        check_name(part->texts[i].name);
        check_text(part->texts[i].text);
        FUZZ_REQUIRE(strlen(part->texts[i].text) == part->texts[i].size);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char directory[sizeof record.path];
    aq_part part;
    aq_error err = {0};
    fuzz_file_make(&record, name);
    fuzz_file_fill(&record, data, size);
    (void)snprintf(directory, sizeof directory, "%.*s", (int)(strlen(record.path) - sizeof name),
                   record.path);
    aq_status status = aq_part_read(&part, directory, name, &err);
    if (status == AQ_OK) {
        fuzz_accepted++;
        check_part(&part);
    } else {
        fuzz_check_error(status, &err, record.path);
    }
    aq_part_free(&part);
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t room, unsigned seed)
{
    uint64_t state = seed;
    return fuzz_mutate_json(data, size, room, &state);
}
