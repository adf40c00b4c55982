/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "child.h"
#include "trace.h"
#include "util.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* Far above what a model of thousands of tensors prints. */
static const size_t most_output = (size_t)64 << 20;
/* Seconds that a child has to end after SIGTERM. */
static const double grace_s = 5;

static volatile sig_atomic_t interrupted;
/* The signals that are watched are blocked except while waiting, so none is missed between looking
 * at `interrupted` and going to sleep. */
static sigset_t waiting_mask;
static int installed;

static void note_signal(int number)
{
    if (number != SIGCHLD && interrupted == 0)
        interrupted = number;
}

void bench_signals_install(void)
{
    static const int watched[] = {SIGINT, SIGTERM, SIGHUP, SIGCHLD};
    struct sigaction action = {.sa_handler = note_signal};
    sigset_t block;
    sigemptyset(&action.sa_mask);
    sigemptyset(&block);
    for (size_t i = 0; i < sizeof watched / sizeof watched[0]; i++) {
        sigaddset(&block, watched[i]);
        sigaction(watched[i], &action, NULL);
    }
    sigprocmask(SIG_BLOCK, &block, &waiting_mask);
    for (size_t i = 0; i < sizeof watched / sizeof watched[0]; i++)
        sigdelset(&waiting_mask, watched[i]);
    installed = 1;
}

int bench_interrupted(void)
{
    struct timespec zero = {0, 0};
    if (installed)
        (void)ppoll(NULL, 0, &zero, &waiting_mask); /* lets a blocked signal in */
    return interrupted;
}

/* ---- start ---- */

typedef struct stream {
    int fd;
    char *text;
    size_t length, room;
} stream;

static _Noreturn void execute(char *const argv[])
{
    execvp(argv[0], argv);
    const char *reason = strerror(errno);
    (void)!write(2, argv[0], strlen(argv[0]));
    (void)!write(2, ": ", 2);
    (void)!write(2, reason, strlen(reason));
    _exit(127);
}

static _Noreturn void child_begin(const bench_child_task *task, int out, int err, pid_t parent)
{
    static const int watched[] = {SIGINT, SIGTERM, SIGHUP, SIGCHLD};
    for (size_t i = 0; i < sizeof watched / sizeof watched[0]; i++)
        signal(watched[i], SIG_DFL);
    if (installed)
        sigprocmask(SIG_SETMASK, &waiting_mask, NULL);
    /* A benchmark that is killed outright must not leave its child running. */
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent)
        _exit(127);
    int null = open("/dev/null", O_RDONLY);
    if (null < 0 || dup2(null, 0) < 0 || dup2(out, 1) < 0 || dup2(err, 2) < 0)
        _exit(127);
    if (task->argv == NULL)
        _exit(task->work(task->argument));
    execute(task->argv);
}

static pid_t start(const bench_child_task *task, stream streams[2])
{
    int out[2], err[2];
    if (pipe2(out, O_CLOEXEC) != 0)
        return -1;
    if (pipe2(err, O_CLOEXEC) != 0) {
        close(out[0]);
        close(out[1]);
        return -1;
    }
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid == 0)
        child_begin(task, out[1], err[1], parent);
    int code = errno;
    close(out[1]);
    close(err[1]);
    streams[0].fd = out[0];
    streams[1].fd = err[0];
    errno = code;
    return pid;
}

/* ---- wait ---- */

typedef struct waiting {
    pid_t pid;
    double deadline;      /* SIGTERM then */
    double kill_deadline; /* 0: SIGTERM not sent yet */
    bench_child *child;
    bench_trace *trace;
} waiting;

static void terminate(waiting *wait)
{
    if (wait->kill_deadline == 0) {
        kill(wait->pid, SIGTERM);
        wait->kill_deadline = bench_now() + grace_s;
    }
}

static void enforce(waiting *wait)
{
    double now = bench_now();
    if (wait->kill_deadline != 0) {
        if (now >= wait->kill_deadline)
            kill(wait->pid, SIGKILL);
    } else if (interrupted != 0) {
        terminate(wait);
    } else if (now >= wait->deadline) {
        wait->child->timed_out = 1;
        terminate(wait);
    }
}

static void drain(stream *from, waiting *wait)
{
    if (from->room - from->length < 4096) {
        from->room = from->room == 0 ? 16384 : from->room * 2;
        from->text = bench_grow(from->text, from->room, 1);
    }
    ssize_t got = read(from->fd, from->text + from->length, from->room - from->length - 1);
    if (got < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (got <= 0) {
        close(from->fd);
        from->fd = -1;
        return;
    }
    from->length += (size_t)got;
    if (from->length > most_output) {
        from->length = 0;
        wait->child->too_long = 1;
        terminate(wait);
    }
}

static const sigset_t *mask_while_waiting(void)
{
    return installed ? &waiting_mask : NULL;
}

/* How long to sleep until there is something to look at. */
static struct timespec next_tick(waiting *wait)
{
    struct timespec tick = {0, 200000000};
    if (wait->trace != NULL)
        tick.tv_nsec = (long)(1e9 * fmin(bench_trace_look(wait->trace), 0.2));
    return tick;
}

static void pump(stream streams[2], waiting *wait)
{
    while (streams[0].fd >= 0 || streams[1].fd >= 0) {
        struct pollfd poll_on[2] = {{streams[0].fd, POLLIN, 0}, {streams[1].fd, POLLIN, 0}};
        struct timespec tick = next_tick(wait);
        int ready = ppoll(poll_on, 2, &tick, mask_while_waiting());
        enforce(wait);
        if (ready <= 0) {
            /* A grandchild that holds the pipes open must not hold this program too. */
            siginfo_t info = {0};
            if (waitid(P_PID, (id_t)wait->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
                info.si_pid == wait->pid && ready == 0)
                return;
            continue;
        }
        for (int i = 0; i < 2; i++)
            if (poll_on[i].revents != 0)
                drain(&streams[i], wait);
    }
}

static int reap(waiting *wait)
{
    struct rusage usage;
    for (;;) {
        pid_t got = wait4(wait->pid, &wait->child->status, WNOHANG, &usage);
        if (got == wait->pid)
            break;
        if (got < 0 && errno != EINTR)
            return -1;
        struct timespec tick = {0, 20000000};
        (void)ppoll(NULL, 0, &tick, mask_while_waiting());
        enforce(wait);
    }
    wait->child->user_s = (double)usage.ru_utime.tv_sec + 1e-6 * (double)usage.ru_utime.tv_usec;
    wait->child->system_s = (double)usage.ru_stime.tv_sec + 1e-6 * (double)usage.ru_stime.tv_usec;
    return 0;
}

static char *finish_text(stream *from)
{
    if (from->fd >= 0)
        close(from->fd);
    char *text = from->text == NULL ? bench_copy("") : from->text;
    text[from->length] = '\0';
    return text;
}

int bench_child_start(const bench_child_task *task, bench_child *child)
{
    memset(child, 0, sizeof *child);
    stream streams[2] = {{-1, NULL, 0, 0}, {-1, NULL, 0, 0}};
    double begin = bench_now();
    waiting wait = {.deadline = begin + task->timeout_s, .child = child, .trace = task->trace};
    wait.pid = start(task, streams);
    int result = -1, code = errno;
    if (wait.pid > 0) {
        if (task->trace != NULL)
            bench_trace_begin(task->trace, wait.pid);
        pump(streams, &wait);
        result = reap(&wait);
        code = errno;
        child->wall_s = bench_now() - begin;
        if (task->trace != NULL)
            bench_trace_end(task->trace);
    }
    child->out_length = streams[0].length;
    child->out = finish_text(&streams[0]);
    child->err = finish_text(&streams[1]);
    errno = code;
    return result;
}

int bench_child_run(char *const argv[], double timeout_s, bench_child *child)
{
    bench_child_task task = {.argv = argv, .timeout_s = timeout_s};
    return bench_child_start(&task, child);
}

void bench_child_free(bench_child *child)
{
    free(child->out);
    free(child->err);
    memset(child, 0, sizeof *child);
}

/* ---- what went wrong ---- */

static char *last_line(const char *text)
{
    size_t end = strlen(text);
    while (end > 0 && (unsigned char)text[end - 1] <= ' ')
        end--;
    size_t begin = end;
    while (begin > 0 && text[begin - 1] != '\n')
        begin--;
    char *line = bench_format("%.*s", (int)(end - begin > 500 ? 500 : end - begin), text + begin);
    for (char *p = line; *p != '\0'; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            *p = '?';
    return line;
}

char *bench_child_failure(const bench_child *child)
{
    int status = child->status;
    if (child->timed_out)
        return bench_format("did not end within the time limit of one run (--timeout)");
    if (child->too_long)
        return bench_format("printed more than 64 MB");
    if (WIFSIGNALED(status))
        return bench_format("was ended by signal %d (%s)", WTERMSIG(status),
                            strsignal(WTERMSIG(status)));
    if (WEXITSTATUS(status) == 0)
        return NULL;
    char *line = last_line(child->err);
    char *message = line[0] != '\0'
                        ? bench_format("exit %d: %s", WEXITSTATUS(status), line)
                        : bench_format("exit %d without a message", WEXITSTATUS(status));
    free(line);
    return message;
}
