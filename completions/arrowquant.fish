# SPDX-License-Identifier: Apache-2.0
# fish completion of arrowquant. Options are those of --help, so that they are the installed program's.

# Lines "--option<tab>what it does" of a help text.
function __arrowquant_options
    $argv --help 2>/dev/null </dev/null | sed -nE 's/^ {1,6}(-[a-zA-Z], )?(--[a-z][a-z-]*)( [^ ]+)? *(.*)/\2\t\4/p'
end

function __arrowquant_commands
    arrowquant --help 2>/dev/null | sed -nE '/^Commands:/,/^$/s/^  ([a-z]*) +(.*)/\1\t\2/p'
end

function __arrowquant_types
    arrowquant quantize --help 2>/dev/null | sed -n '/--type/,/--pure/p' | grep -oE '\b(q[0-9]|int[0-9])[a-z0-9_]*' | sort -u
end

# Is the word before the cursor one of these options?
function __arrowquant_after
    set -l words (commandline -opc)
    contains -- $words[-1] $argv
end

complete -c arrowquant -n 'test (count (commandline -opc)) -eq 1' -f -a '(__arrowquant_commands)'
complete -c arrowquant -n 'test (count (commandline -opc)) -eq 1' -f -a '--help --version'
complete -c arrowquant -n 'test (count (commandline -opc)) -gt 1; and string match -q -- "-*" (commandline -ct)' \
    -f -a '(__arrowquant_options (commandline -opc)[1..2])'
complete -c arrowquant -n '__arrowquant_after --type -t' -f -a '(__arrowquant_types)'
complete -c arrowquant -n '__arrowquant_after --mode -m' -f -a 'streaming batch'
complete -c arrowquant -n '__arrowquant_after --isa' -f -a 'scalar avx2 avx512 neon'
complete -c arrowquant -n '__arrowquant_after --io' -f -a 'auto cached'
complete -c arrowquant -n '__arrowquant_after --nonfinite' -f -a 'error keep'
complete -c arrowquant -n '__arrowquant_after --dtype' -f -a 'f16 bf16 f32'
complete -c arrowquant -n '__arrowquant_after --params' -f -a '100M 600M 7B 7B-seed'
