"""Commands about what the parameters do on this server."""

from collections.abc import Iterator

from llmchat import params
from llmchat.amounts import counted
from llmchat.chat import Chat
from llmchat.commands.assignments import names
from llmchat.config.typed import ALL
from llmchat.errors import UsageError
from llmchat.lab.probing import MOST_REQUESTS, Finding, Probe
from llmchat.registry import NOTHING, Choice, Group, Rest
from llmchat.results import Result, Working
from llmchat.sampling import field_name

group = Group("What the server does with parameters")
command = group.command

_USUAL = (
    "temperature",
    "top_p",
    "top_k",
    "min_p",
    "repeat_penalty",
    "presence_penalty",
    "frequency_penalty",
    "seed",
)


def _choices(chat: Chat) -> Iterator[Choice]:
    yield Choice(ALL, "every parameter")
    yield from names(chat)


@command(examples=("/probe temperature", "/probe top_k min_p", "/probe extra.foo"), parameters=_choices)
def probe(chat: Chat, parameters: Rest = NOTHING) -> Result:
    """Find out whether parameters have an effect here.

    Each is tried at its extremes with short questions that do not enter the conversation; what is found
    is remembered for this server and model, and stands in `/params`. Without names those that you
    have set are tried, else the usual ones; `all` tries every one. Ctrl-C stops.
    """
    wanted = [_name(word) for word in parameters.replace(",", " ").split() if word.lower() != ALL]
    if ALL in parameters.lower().split():
        wanted = [known.name for known in params.PARAMS]
    asking = Probe(chat, list(dict.fromkeys(wanted or chat.sampling.chosen or _USUAL)))
    return Working(_lines(chat, asking), stay=True)


def _name(word: str) -> str:
    if "=" in word:
        raise UsageError(f"/probe takes names, not {word!r}.", "It tries the extremes by itself.")
    return field_name(word)


def _lines(chat: Chat, asking: Probe) -> Iterator[str]:
    count = len(asking.names)
    yield (
        f"Trying {counted(count, 'parameter')} with 3 to {MOST_REQUESTS} short requests each, "
        f"at most {count * MOST_REQUESTS}. Ctrl-C stops."
    )
    for finding in asking.findings():
        _remember(chat, finding)
        yield f"{finding.name}: {finding.verdict}; {finding.how}."
    yield f"Done after {asking.asked} requests. `/params` shows what was found."


def _remember(chat: Chat, finding: Finding) -> None:
    server, model = chat.connection.name, chat.model
    chat.keeping.do(lambda store: store.remember(server, model, finding.name, finding.verdict))
