/* SPDX-License-Identifier: Apache-2.0
 * The index of a sharded model, beside two shards that are there: "1.safetensors" with the tensors
 * a and b, "2.safetensors" with c. */
#include <config.h>

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz.h"

static char directory[] = "/dev/shm/arrowquant-fuzz-XXXXXX", path[64];
static int index_file = -1;

static void put(const char *name, const void *bytes, size_t size)
{
    char at[64];
    (void)snprintf(at, sizeof at, "%s/%s", directory, name);
    FILE *f = fopen(at, "wb");
    FUZZ_REQUIRE(f != NULL && fwrite(bytes, 1, size, f) == size && fclose(f) == 0);
}

static void put_shard(const char *name, const char *header, size_t data)
{
    char bytes[256] = {0};
    uint64_t length = strlen(header);
    memcpy(bytes, &length, 8);
    memcpy(bytes + 8, header, (size_t)length);
    put(name, bytes, 8 + (size_t)length + data);
}

static void clean_up(void)
{
    static const char *const names[] = {"1.safetensors", "2.safetensors", "i.index.json"};
    char at[64];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        (void)snprintf(at, sizeof at, "%s/%s", directory, names[i]);
        (void)unlink(at);
    }
    (void)rmdir(directory);
}

static void set_up(void)
{
    if (access("/dev/shm", W_OK) != 0)
        memcpy(directory, "/tmp/arrowquant-fuzz-XXXXXX", sizeof "/tmp/arrowquant-fuzz-XXXXXX");
    FUZZ_REQUIRE(mkdtemp(directory) != NULL);
    (void)atexit(clean_up);
    put_shard("1.safetensors",
              "{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},"
              "\"b\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[1,2]}}",
              2);
    put_shard("2.safetensors", "{\"c\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}",
              1);
    (void)snprintf(path, sizeof path, "%s/i.index.json", directory);
    index_file = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    FUZZ_REQUIRE(index_file >= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    aq_model *model;
    aq_error err = {0};
    if (index_file < 0)
        set_up();
    FUZZ_REQUIRE(ftruncate(index_file, (off_t)size) == 0 &&
                 pwrite(index_file, data, size, 0) == (ssize_t)size);
    aq_status status = aq_model_open(path, &model, &err);
    if (status != AQ_OK) {
        fuzz_check_error(status, &err, directory);
        return 0;
    }
    FUZZ_REQUIRE(model->tensor_count == 3 || model->file_count == 1);
    fuzz_check_model(model);
    aq_model_close(model);
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t room, unsigned seed)
{
    uint64_t state = seed;
    return fuzz_mutate_json(data, size, room, &state);
}
