"""What bash, zsh and fish need to complete our command line, made from the parser's own declarations.

The words that never change stand in the script; for names it calls `llmchat --names KIND WORD…`.
"""

import argparse
import shlex
from collections.abc import Iterator, Sequence

from llmchat.launch.flags import FILE, MODEL, options
from llmchat.params import PARAMS

_ASSIGNMENTS = ("K=V", "K=V,V")
_NAMES = {"url": "servers", "model": "models", "open": "chats", "execute": "commands"}
"""The kinds of names, by the flags that they follow."""

_TARGETS = {"bash": "~/.bashrc", "zsh": "~/.zshrc, after compinit", "fish": "~/.config/fish/config.fish"}

# readline replaces what follows the last of COMP_WORDBREAKS, a colon among them, or an open quote: $2.
# So each offer is the rest of a word from there, quoted as the word is there.
_BASH = r"""
# The words of a text as the shell reads them, into `words`, and the quote that is still open.
_llmchat_read() {
    local text=$1 i char word= begun=
    words=() quote=
    for ((i = 0; i < ${#text}; i++)); do
        char=${text:i:1}
        if [[ $quote && $char == "$quote" ]]; then
            quote=
        elif [[ $char == "\\" && $quote != "'" ]]; then
            i=$((i + 1))
            # Between double quotes a backslash is one, but for these.
            [[ $quote && ${text:i:1} != [\"\$\`\\] ]] && word+=\\
            word+=${text:i:1}
        elif [[ ! $quote && $char == [\"\'] ]]; then
            quote=$char
        elif [[ ! $quote && $char == [[:space:]] ]]; then
            [[ $begun ]] && words+=("$word")
            word= begun=
            continue
        else
            word+=$char
        fi
        begun=1
    done
    words+=("$word")
}
# A text inside double quotes, into `quoted`; an exclamation mark means itself only outside of them.
_llmchat_double() {
    local i char
    quoted=
    for ((i = 0; i < ${#1}; i++)); do
        char=${1:i:1}
        case $char in
            [\"\$\`\\]) quoted+=\\$char ;;
            !) quoted+='"\!"' ;;
            *) quoted+=$char ;;
        esac
    done
}
_llmchat_offer() {
    local word quoted single="'\\''"
    for word in "$@"; do
        word=$lead$word
        [[ $word == "$current"* ]] || continue
        quoted=${word:${#kept}}
        case $quote in
            \') quoted=${quoted//\'/$single} ;;
            \") _llmchat_double "$quoted" ;;
            *) printf -v quoted %q "$quoted" ;;
        esac
        COMPREPLY+=("$quoted")
    done
}
_llmchat_names() {
    local name names=()
    while IFS= read -r name; do
        names+=("${name%%$'\t'*}")
    done < <(command llmchat --names "$1" "${before[@]}" "" "${after[@]}" 2>/dev/null </dev/null)
    compopt -o nosort 2>/dev/null
    _llmchat_offer "${names[@]}"
}
_llmchat_files() {
    local file
    while IFS= read -r file; do
        COMPREPLY+=("$file")
    done < <(compgen -f -- "$1")
    compopt -o filenames 2>/dev/null
}
_llmchat() {
    local line=${COMP_LINE:0:COMP_POINT} words quote before after current previous kept lead=
    COMPREPLY=()
    _llmchat_read "$line"
    before=("${words[@]:1:${#words[@]}-2}")
    current=${words[${#words[@]}-1]} previous=${words[${#words[@]}-2]}
    [[ $current == --*=* ]] && previous=${current%%=*} lead=$previous=
    _llmchat_read "${quote}x${COMP_LINE:COMP_POINT}"
    after=("${words[@]:1}")
    _llmchat_read "${line%"$2"}"
    kept=${words[${#words[@]}-1]}
    case $previous in
"""

_ZSH = r"""
_llmchat_names() {
    local -a line lines names shown
    line=("${(@Q)words[2,CURRENT-1]}" "" "${(@Q)words[CURRENT+1,-1]}")
    lines=("${(@f)$(command llmchat --names $1 "${(@)line}" 2>/dev/null </dev/null)}")
    lines=("${(@)lines:#}")
    names=("${(@)lines%%$'\t'*}")
    shown=("${(@)lines/$'\t'/  -- }")
    compadd -l -V names -d shown -a names
}
"""

# fish tells nothing of what stands after the cursor.
_FISH = r"""
function __llmchat_names
    set -l before (commandline -opc)
    set -e before[1]
    command llmchat --names $argv[1] $before "" 2>/dev/null </dev/null
end
"""


def script(shell: str, parser: argparse.ArgumentParser) -> str:
    """The script for this shell, one of `flags.SHELLS`, which is to be sourced."""
    lines = {"bash": _bash, "zsh": _zsh, "fish": _fish}[shell](options(parser))
    source = f"llmchat --completion {shell}"
    use = f"{source} | source" if shell == "fish" else f'eval "$({source})"'
    return "\n".join([f"# Completion for llmchat. In {_TARGETS[shell]}: {use}", *lines]) + "\n"


def _values(option: argparse.Action) -> Sequence[str]:
    """The words that may follow an option, as far as they are known."""
    if option.metavar in _ASSIGNMENTS:
        return [f"{param.name}=" for param in PARAMS]
    return [str(choice) for choice in option.choices or ()]


def _takes_value(option: argparse.Action) -> bool:
    return option.nargs != 0


def _bash(options: list[argparse.Action]) -> Iterator[str]:
    yield _BASH.strip("\n")
    for option in filter(_takes_value, options):
        yield f"        {'|'.join(option.option_strings)})"
        if option.metavar in (FILE, MODEL):
            yield '            _llmchat_files "$2"'
        elif kind := _NAMES.get(option.dest):
            yield f"            _llmchat_names {kind}"
        elif words := _values(option):
            yield f"            _llmchat_offer {shlex.join(words)}"
        if option.metavar in _ASSIGNMENTS:
            yield "            compopt -o nospace 2>/dev/null"
        yield "            return ;;"
    yield "    esac"
    names = " ".join(name for option in options for name in option.option_strings)
    yield f"    [[ $current == -* ]] && _llmchat_offer {names}"
    yield "}"
    yield "complete -F _llmchat llmchat"


def _zsh(options: list[argparse.Action]) -> Iterator[str]:
    yield _ZSH.strip("\n")
    yield "_llmchat() {"
    yield "    _arguments -s \\"
    for option in options:
        yield f"        {_zsh_option(option)} \\"
    yield "        '*:question:()'"
    yield "}"
    yield "compdef _llmchat llmchat"


def _zsh_option(option: argparse.Action) -> str:
    """An option as `_arguments` wants it: what it excludes, its names, its meaning, its value."""
    names = option.option_strings
    repeated = isinstance(option, argparse._AppendAction)
    before = "*" if repeated else f"({' '.join(names)})" if len(names) > 1 else ""
    meaning = (option.help or "").replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]")
    value = f":{option.metavar or option.dest}:{_zsh_action(option)}" if _takes_value(option) else ""
    spec = f"[{meaning}]{value}"
    listed = "{" + ",".join(names) + "}" if len(names) > 1 else names[0]
    return f"{shlex.quote(before) if before else ''}{listed}{shlex.quote(spec)}"


def _zsh_action(option: argparse.Action) -> str:
    words = " ".join(_values(option))
    if option.metavar in (FILE, MODEL):
        return "_files"
    if kind := _NAMES.get(option.dest):
        return f"{{_llmchat_names {kind}}}"
    if option.metavar in _ASSIGNMENTS:
        return f'{{compadd -S "" -- {words}}}'
    return f"({words})"


def _fish(options: list[argparse.Action]) -> Iterator[str]:
    yield _FISH.strip("\n")
    yield "complete -c llmchat -f"
    for option in options:
        parts = ["complete -c llmchat"]
        for name in option.option_strings:
            parts.append(f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}")
        if option.metavar in (FILE, MODEL):
            parts.append("-r -F")
        elif kind := _NAMES.get(option.dest):
            parts.append(f"-x -k -a '(__llmchat_names {kind})'")
        elif _takes_value(option):
            words = " ".join(_values(option))
            parts.append(f"-x -a {_fish_quote(words)}" if words else "-x")
        parts.append(f"-d {_fish_quote(option.help or '')}")
        yield " ".join(parts)


def _fish_quote(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
