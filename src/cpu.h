/* SPDX-License-Identifier: Apache-2.0
 * How many CPUs this process may use. (What each can do: aq_isa_usable in arrowquant.h.) */
#ifndef AQ_CPU_H
#define AQ_CPU_H

/* CPUs that the cgroup quotas allow, rounded up, over this process's groups and all their ancestors
 * (version 1 and 2); 0 where no quota is set. `root` is put before every path read: "" is the
 * running system. */
unsigned aq_cpu_quota(const char *root);

#endif
