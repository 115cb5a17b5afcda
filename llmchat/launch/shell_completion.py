"""What bash, zsh and fish need to complete our command line, made from the parser's own declarations."""

import argparse
import shlex
from collections.abc import Iterator, Sequence

from llmchat.launch.flags import FILE, MODEL
from llmchat.params import PARAMS

_ASSIGNMENT = "K=V"
_TARGETS = {"bash": "~/.bashrc", "zsh": "~/.zshrc, after compinit", "fish": "~/.config/fish/config.fish"}


def script(shell: str, parser: argparse.ArgumentParser) -> str:
    """The script for this shell, one of `flags.SHELLS`, which is to be sourced."""
    lines = {"bash": _bash, "zsh": _zsh, "fish": _fish}[shell](_options(parser))
    source = f"llmchat --completion {shell}"
    use = f"{source} | source" if shell == "fish" else f'eval "$({source})"'
    return "\n".join([f"# Completion for llmchat. In {_TARGETS[shell]}: {use}", *lines]) + "\n"


def _options(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    return [action for action in parser._actions if action.option_strings]


def _values(option: argparse.Action) -> Sequence[str]:
    """The words that may follow an option, as far as they are known."""
    if option.metavar == _ASSIGNMENT:
        return [f"{param.name}=" for param in PARAMS]
    return [str(choice) for choice in option.choices or ()]


def _takes_value(option: argparse.Action) -> bool:
    return option.nargs != 0


def _bash(options: list[argparse.Action]) -> Iterator[str]:
    yield "_llmchat() {"
    yield "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} IFS=$'\\n'"
    yield "    COMPREPLY=()"
    yield '    case "$prev" in'
    for option in filter(_takes_value, options):
        yield f"        {'|'.join(option.option_strings)})"
        if option.metavar in (FILE, MODEL):
            yield '            COMPREPLY=($(compgen -f -- "$cur")); compopt -o filenames 2>/dev/null'
        elif words := _values(option):
            yield f'            COMPREPLY=($(IFS=" "; compgen -W {shlex.quote(" ".join(words))} -- "$cur"))'
            if option.metavar == _ASSIGNMENT:
                yield "            compopt -o nospace 2>/dev/null"
        yield "            return ;;"
    yield "    esac"
    names = " ".join(name for option in options for name in option.option_strings)
    yield '    if [[ "$cur" == -* ]]; then'
    yield f'        COMPREPLY=($(IFS=" "; compgen -W {shlex.quote(names)} -- "$cur"))'
    yield "    fi"
    yield "}"
    yield "complete -F _llmchat llmchat"


def _zsh(options: list[argparse.Action]) -> Iterator[str]:
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
    if option.metavar == _ASSIGNMENT:
        return f'{{compadd -S "" -- {words}}}'
    return f"({words})"


def _fish(options: list[argparse.Action]) -> Iterator[str]:
    yield "complete -c llmchat -f"
    for option in options:
        parts = ["complete -c llmchat"]
        for name in option.option_strings:
            parts.append(f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}")
        if option.metavar in (FILE, MODEL):
            parts.append("-r -F")
        elif _takes_value(option):
            words = " ".join(_values(option))
            parts.append(f"-x -a {_fish_quote(words)}" if words else "-x")
        parts.append(f"-d {_fish_quote(option.help or '')}")
        yield " ".join(parts)


def _fish_quote(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
