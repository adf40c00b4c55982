/* SPDX-License-Identifier: Apache-2.0
 * Between plan.c, which decides, and plan_outputs.c, which gives the outputs names and shapes. */
#ifndef AQ_PLAN_INTERNAL_H
#define AQ_PLAN_INTERNAL_H

#include "plan.h"

/* Fills in plan->layout for items whose actions and shapes are set. */
aq_status aq_plan_outputs(aq_plan *plan, const aq_plan_options *options, aq_error *err);

/* Gives all tiles of plan->items their numbers and places, and the plan its totals. */
void aq_plan_number_tiles(aq_plan *plan);

/* config.json with its quantization_config, into the layout's texts. */
aq_status aq_plan_config(aq_plan *plan, const aq_plan_options *options, aq_error *err);

/* Why a tensor of a model directory is no linear layer's weight; NULL where it is one. */
const char *aq_not_linear(const aq_tensor *tensor);

#endif
