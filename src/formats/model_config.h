/* SPDX-License-Identifier: Apache-2.0
 * config.json, which stands beside the weights in a model directory. */
#ifndef AQ_MODEL_CONFIG_H
#define AQ_MODEL_CONFIG_H

#include <jansson.h>

#include "model.h"

/* Reads that of a model, whose reference the caller gives back; *config is NULL where the model has
 * none, or on failure. */
aq_status aq_config_read(const aq_model *model, json_t **config, aq_error *err);

#endif
