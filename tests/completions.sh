#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Completion in the real shells: what bash, zsh and fish offer is what --help lists, and the values
# they offer are values that the commands take.

# shellcheck source=tests/lib.sh
. "${top_srcdir:?run it with make check}/tests/lib.sh"

PATH=$top_builddir:$PATH
export PATH
completions=$top_srcdir/completions
shells=0

# What each shell offers for a command line whose last word is to be completed, one word a line.
offered_by_bash() { # WORDS...
    # shellcheck disable=SC2016 # expanded by bash
    bash --norc -c '. "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _arrowquant
        printf "%s\n" "${COMPREPLY[@]}"' bash "$completions/arrowquant" "$@"
}

# In a terminal of its own, as a user has it: the line is typed, Tab lists what there is.
offered_by_zsh() { # WORDS...
    zsh -f "$scratch/drive.zsh" "$completions" "$*" 2>/dev/null
}

offered_by_fish() { # WORDS...
    HOME=$scratch XDG_CONFIG_HOME=$scratch fish --no-config -c "
        source $completions/arrowquant.fish; source $completions/arrowquant-bench.fish
        complete -C '$*'" | cut -f 1
}

# The first shell finds what completes what, the others read it (compdump); a key is not waited for
# (KEYTIMEOUT). compadd says what would be shown; the completion system calls it as for a user's Tab.
cat >drive.zsh <<'ZSH'
zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell "KEYTIMEOUT=1; PS1= ; PROMPT= ; fpath=($1 \$fpath); autoload -U compinit; compinit -u -d $PWD/compdump; setopt no_list_ambiguous no_auto_menu"
zpty -w shell "compadd() {
    if [[ \${@[1,(i)(-|--)]} == *-(O|A|D)\ * ]]; then builtin compadd \"\$@\"; return; fi
    typeset -a hits; builtin compadd -A hits \"\$@\"; print -rl -- \$hits >>$PWD/zsh.hits; builtin compadd \"\$@\"; }"
zpty -w shell "done_it() { print finished >$PWD/zsh.done }; zle -N done_it; bindkey '^X' done_it"
rm -f zsh.hits zsh.done
zpty -w -n shell "$2"$'\t\x18'
repeat 200; do [[ -e zsh.done ]] && break; zpty -r -t shell junk >/dev/null; sleep 0.05; done
zpty -d shell
[[ ! -e zsh.hits ]] || cat zsh.hits
ZSH

help_options() { # COMMAND...
    "$@" --help | sed -n 's/^ \{1,6\}\(-[a-zA-Z], \)\{0,1\}\(--[a-z][a-z-]*\).*/\2/p' | sort -u
}

try_shell() { # SHELL
    shell=$1
    command -v "$shell" >/dev/null || return 0
    shells=$((shells + 1))
    commands=$(arrowquant --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p')
    equal "$shell: commands" "$(printf '%s\n' "$commands" | sort)" \
        "$("offered_by_$shell" arrowquant '' | grep -v -- '^-' | sort -u)"
    for command in $commands; do
        equal "$shell: options of arrowquant $command" "$(help_options arrowquant "$command")" \
            "$("offered_by_$shell" arrowquant "$command" -- | sort -u)"
    done
    equal "$shell: options of arrowquant-bench" "$(help_options arrowquant-bench)" \
        "$("offered_by_$shell" arrowquant-bench -- | sort -u)"
    values_work
}

# The command takes each value that is offered, and so that this can fail: there is more than one.
values_work() {
    for option in --type --mode --nonfinite --isa; do
        values=$("offered_by_$shell" arrowquant quantize "$option" '')
        [ "$(printf '%s\n' "$values" | grep -c .)" -gt 1 ] || fail "$shell: no values for $option"
        for value in $values; do
            code=0
            arrowquant quantize --quiet "$option" "$value" synthetic:1x8x256 null: >value.out 2>&1 || code=$?
            checks=$((checks + 1))
            # An instruction set of another machine is known by its name.
            [ "$code" -ne 2 ] || grep -q "cannot run $value kernels" value.out ||
                fail "$shell: $option $value is refused: $(cat value.out)"
        done
    done
    for option in --group --export --sink; do
        values=$("offered_by_$shell" arrowquant-bench "$option" '')
        [ "$(printf '%s\n' "$values" | grep -c .)" -gt 1 ] || fail "$shell: no values for $option"
        for value in $values; do
            [ "$option" != --export ] || value=$value/dev/null
            ok "$shell: $option $value" arrowquant-bench "$option" "$value" --list
        done
    done
}

for shell in bash zsh fish; do try_shell "$shell"; done
[ "$shells" -gt 0 ] || skip 'neither bash nor zsh nor fish is installed'
done_testing
