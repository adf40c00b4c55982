/* SPDX-License-Identifier: Apache-2.0
 * The GGUF reader, and what it accepted written again. */
#include <config.h>

#include "formats/gguf.h"

#include "fuzz.h"

static aq_status write(aq_layout *layout, const aq_model *from, aq_error *err)
{
    return aq_gguf_layout(layout, 0, from, NULL, "unknown", err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    aq_model *model;
    aq_error err = {0};
    aq_status status = model_from_bytes(data, size, "m", aq_gguf_open, &model, &err);
    if (status != AQ_OK) {
        fuzz_check_error(status, &err, "m: ");
        return 0;
    }
    fuzz_check_model(model);
    fuzz_check_rewrite(model, write, aq_gguf_open);
    aq_model_close(model);
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t room, unsigned seed)
{
    uint64_t state = seed;
    return fuzz_mutate_gguf(data, size, room, &state);
}
