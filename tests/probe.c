/* SPDX-License-Identifier: Apache-2.0
 * Preloaded into a command by tests/sandbox.sh: where it starts a thread, or, with AQ_PROBE=exit,
 * at its end, tries what somebody would who had taken it over, and writes on standard error what
 * came of it. */
#include <config.h>

#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void say(const char *what, long result)
{
    char line[256];
    int n = snprintf(line, sizeof line, "probe: %s: %s\n", what,
                     result >= 0                         ? "allowed"
                     : errno == EACCES || errno == EPERM ? "denied"
                                                         : strerror(errno));
    (void)!write(STDERR_FILENO, line, (size_t)n);
}

static void try_open(const char *what, const char *variable, int flags)
{
    const char *path = getenv(variable);
    if (path == NULL)
        return;
    int fd = open(path, flags | O_CLOEXEC, 0600);
    say(what, fd);
    if (fd >= 0)
        (void)close(fd);
}

static void try_network(void)
{
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons(1)};
    here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    say("connect", connect(fd, (struct sockaddr *)&here, sizeof here));
    (void)close(fd);
}

static void try_all(void)
{
    try_open("read a stranger", "AQ_PROBE_READ", O_RDONLY);
    try_open("write elsewhere", "AQ_PROBE_WRITE", O_WRONLY | O_CREAT);
    try_open("write the input", "AQ_PROBE_INPUT", O_WRONLY);
    say("run a program", access("/bin/sh", F_OK) == 0 ? open("/bin/sh", O_RDONLY | O_CLOEXEC) : -1);
    say("signal the parent", kill(getppid(), 0));
    try_network();
}

__attribute__((visibility("default"))) int pthread_create(pthread_t *thread,
                                                          const pthread_attr_t *attributes,
                                                          void *(*start)(void *), void *arg)
{
    static int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    if (real == NULL) {
        *(void **)&real = dlsym(RTLD_NEXT, "pthread_create");
        try_all();
    }
    return real(thread, attributes, start, arg);
}

__attribute__((destructor)) static void at_exit(void)
{
    const char *when = getenv("AQ_PROBE");
    if (when != NULL && strcmp(when, "exit") == 0)
        try_all();
}
