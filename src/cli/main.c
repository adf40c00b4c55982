/* SPDX-License-Identifier: Apache-2.0
 * arrowquant: which command, and how it ends. */
#include <config.h>

#include <signal.h>
#include <string.h>

#include "cli.h"
#include "sandbox.h"

volatile int cli_cancel;

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *what;
} commands[] = {
    {"quantize", cmd_quantize, "quantize a model file or directory"},
    {"index", cmd_index, "join what quantize --shard made in parts"},
    {"info", cmd_info, "show what a model file holds"},
    {"compare", cmd_compare, "compare a quantized model with its original"},
    {"synth", cmd_synth, "write a synthetic model"},
};
enum { COMMANDS = sizeof commands / sizeof commands[0] };

/* What asks the process to end. SIGXFSZ and SIGPIPE are among them: the file-size limit was met or
 * a reader went away, and the write that met it fails as well. */
static const int ending[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGXFSZ};

static void on_signal(int number)
{
    cli_cancel = number;
}

static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    (void)sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof ending / sizeof ending[0]; i++) {
        struct sigaction old;
        /* nohup and the like have decided already. */
        if (sigaction(ending[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN)
            (void)sigaction(ending[i], &action, NULL);
    }
}

/* So that a shell or make sees which signal it was. */
static void end_by(int number)
{
    (void)signal(number, SIG_DFL);
    (void)raise(number);
}

static void help(FILE *to)
{
    (void)fputs("Usage: arrowquant COMMAND [OPTIONS] ...\n"
                "\n"
                "Quantize model weights on CPUs, in bounded memory.\n"
                "\n"
                "Commands:\n",
                to);
    for (size_t i = 0; i < COMMANDS; i++)
        (void)fprintf(to, "  %-10s %s\n", commands[i].name, commands[i].what);
    (void)fputs("\n"
                "  --help        this text; 'arrowquant COMMAND --help' for a command's options\n"
                "  --version     the version\n"
                "  --no-sandbox  before COMMAND: keep the right to open any file (see the manual)\n"
                "\n"
                "Exit codes: 0 ok, 1 failure (I/O, memory), 2 usage, 3 bad input, 4 numeric;\n"
                "a signal ends it by that signal, with nothing left behind.\n",
                to);
}

static int run(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--no-sandbox") == 0) {
        sandbox_off = true;
        argc--, argv++;
    }
    if (argc < 2) {
        help(stderr);
        return AQ_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
        strcmp(argv[1], "help") == 0) {
        help(stdout);
        return cli_flush() ? AQ_OK : AQ_FAILURE;
    }
    if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
        (void)printf("arrowquant %s\n", aq_version());
        return cli_flush() ? AQ_OK : AQ_FAILURE;
    }
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    cli_error("no such command: '%s'", argv[1]);
    (void)fputs("Try 'arrowquant --help'.\n", stderr);
    return AQ_USAGE;
}

int main(int argc, char **argv)
{
    catch_signals();
    int code = run(argc, argv);
    if (cli_cancel != 0 && code != AQ_OK)
        end_by(cli_cancel);
    return code;
}
