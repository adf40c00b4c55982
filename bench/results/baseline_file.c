/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "baseline_file.h"
#include "read_fields.h"
#include "util.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { BASELINE_VERSION = 1, NAME_MOST = 64, HEAD_MOST = 256 };

/* What a baseline begins with, and results do not: theirs is pretty-printed. */
static const char mark[] = "{\"arrowquant_baseline\":";

int bench_baseline_name_valid(const char *name)
{
    size_t length = strlen(name);
    if (length == 0 || length > NAME_MOST || name[0] == '.' || name[0] == '-')
        return 0;
    for (size_t i = 0; i < length; i++)
        if (!isalnum((unsigned char)name[i]) && strchr("._-", name[i]) == NULL)
            return 0;
    return 1;
}

char *bench_baseline_path(const char *output_dir, const char *name)
{
    return bench_format("%s/baselines/%s.json", output_dir, name);
}

static uint64_t fnv1a(const char *bytes, size_t length)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)bytes[i]) * UINT64_C(0x100000001b3);
    return hash;
}

int bench_baseline_write(const char *results, size_t length, FILE *out)
{
    (void)fprintf(out, "%s%d,\"bytes\":%zu,\"checksum\":\"%016" PRIx64 "\"}\n", mark,
                  BASELINE_VERSION, length, fnv1a(results, length));
    return fwrite(results, 1, length, out) == length && !ferror(out) ? 0 : -1;
}

/* What the first line says of the rest. */
static char *check_head(const char *head, size_t head_length, const char *rest, size_t length)
{
    char checksum[17];
    json_t *root = json_loadb(head, head_length, JSON_REJECT_DUPLICATES, NULL);
    if (root == NULL)
        return bench_copy("its first line is not JSON");
    bench_reader reader = {0};
    unsigned version = bench_field_count(&reader, root, "arrowquant_baseline", 1, 1u << 20);
    double bytes = bench_field_number(&reader, root, "bytes", BENCH_ABOVE_ZERO);
    char *stored = bench_field_text(&reader, root, "checksum");
    (void)snprintf(checksum, sizeof checksum, "%016" PRIx64, fnv1a(rest, length));
    char *wrong = reader.wrong;
    if (wrong == NULL && version != BASELINE_VERSION)
        wrong = bench_format("is a baseline of version %u, and this program reads %d", version,
                             BASELINE_VERSION);
    else if (wrong == NULL && bytes > (double)length)
        wrong = bench_format("is cut short: %zu of %.0f bytes are there", length, bytes);
    else if (wrong == NULL && (bytes < (double)length || strcmp(stored, checksum) != 0))
        wrong = bench_copy("was changed after it was saved: its checksum does not fit");
    free(stored);
    json_decref(root);
    return wrong;
}

static int is_baseline(const char *bytes, size_t length)
{
    return length >= sizeof mark && memcmp(bytes, mark, sizeof mark - 1) == 0;
}

char *bench_baseline_parse(const char *bytes, size_t length, bench_results *results)
{
    memset(results, 0, sizeof *results);
    if (length == 0)
        return bench_copy("is empty");
    const char *line_end = memchr(bytes, '\n', length < HEAD_MOST ? length : HEAD_MOST);
    if (!is_baseline(bytes, length) || line_end == NULL)
        return bench_copy("is not a baseline");
    size_t head = (size_t)(line_end - bytes), rest = length - head - 1;
    char *wrong = check_head(bytes, head, line_end + 1, rest);
    return wrong != NULL ? wrong : bench_results_parse(line_end + 1, rest, results);
}

/* ---- files ---- */

/* The whole of a file of at most BENCH_RESULTS_MOST bytes, or what is wrong with it. */
static char *read_bytes(const char *path, char **bytes, size_t *length)
{
    size_t room = 1 << 16, got;
    FILE *file = fopen(path, "re");
    *bytes = NULL;
    *length = 0;
    if (file == NULL)
        return bench_copy(strerror(errno));
    *bytes = bench_grow(NULL, room, 1);
    while ((got = fread(*bytes + *length, 1, room - *length, file)) > 0) {
        *length += got;
        if (*length > BENCH_RESULTS_MOST + HEAD_MOST)
            break;
        if (*length == room)
            *bytes = bench_grow(*bytes, room *= 2, 1);
    }
    char *wrong = ferror(file) ? bench_copy(strerror(errno)) : NULL;
    (void)fclose(file);
    return wrong;
}

static char *read_either(const char *path, int baseline_only, bench_results *results)
{
    char *bytes;
    size_t length;
    memset(results, 0, sizeof *results);
    char *wrong = read_bytes(path, &bytes, &length);
    if (wrong == NULL)
        wrong = baseline_only || is_baseline(bytes, length)
                    ? bench_baseline_parse(bytes, length, results)
                    : bench_results_parse(bytes, length, results);
    free(bytes);
    if (wrong == NULL)
        return NULL;
    char *named = bench_format("%s: %s", path, wrong);
    free(wrong);
    return named;
}

char *bench_baseline_read(const char *path, bench_results *results)
{
    return read_either(path, 1, results);
}

char *bench_results_read(const char *path, bench_results *results)
{
    return read_either(path, 0, results);
}
