/* SPDX-License-Identifier: Apache-2.0
 * What the `main` of every Check program does. */
#ifndef AQ_TESTS_SUITE_H
#define AQ_TESTS_SUITE_H

#include <check.h>
#include <stddef.h>
#include <stdlib.h>

/* `return RUN_SUITE("name", tcase, tcase...);` */
#define RUN_SUITE(name, ...) run_suite(name, (TCase *[]){__VA_ARGS__, NULL})

static inline int run_suite(const char *name, TCase *const *tcase)
{
    Suite *suite = suite_create(name);
    for (; *tcase != NULL; tcase++)
        suite_add_tcase(suite, *tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif
