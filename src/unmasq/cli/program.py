"""The verbs, the flags of all verbs, and one run of the program."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from unmasq import __version__
from unmasq.cli import ending, output, settings
from unmasq.cli.output import Color

VERBS = {
    "run": ("unmasq.cli.run:run", "Read a proxy's log, join it with the kernel's connections, keep the flows."),
    "serve": ("unmasq.cli.serve:serve", "Keep the flows of many nodes, which send them over HTTP, and answer for them."),
    "node": ("unmasq.cli.node:node", "Watch a node of a cluster, and send its flows to unmasq serve."),
    "token": ("unmasq.cli.token:app", "Make and revoke the tokens that a server asks for."),
    "collect": ("unmasq.cli.collect:collect", "Beside a proxy: send what it logs to the socket of its node."),
    "trace": ("unmasq.cli.trace:trace", "Who is this address, by which ways did it come, what of it is only claimed?"),
    "flows": ("unmasq.cli.flows:flows", "List or follow flows."),
    "top": ("unmasq.cli.top:top", "Who had most requests, and who of them is new?"),
    "explain": ("unmasq.cli.explain:explain", "Show for each line of a log who came, by which hops, and why."),
    "rejudge": ("unmasq.cli.rejudge:rejudge", "Judge stored flows by the present trust list."),
    "doctor": ("unmasq.cli.doctor:doctor", "Look for the link that is broken, and say what to do."),
    "config": ("unmasq.cli.config:app", "Settings, the log format of your proxy, and whom you trust."),
    "schema": ("unmasq.cli.schema:app", "Print the JSON Schema of what unmasq stores."),
}
"""Where each verb is, and its line in the help. A file is loaded when its verb is asked for."""

EVERYWHERE = "Everywhere"


def program() -> App:
    """The command line, fresh: its settings are read anew in each run."""
    app = App(
        name="unmasq",
        help="Who is really behind this connection, is that address suspicious, and where can it be stopped?",
        version=__version__,
        help_format="plaintext",
        help_epilogue=ending.HELP,
        default_parameter=Parameter(negative=(), show_default=_shown),
    )
    for name, (place, line) in VERBS.items():
        app.command(place, name=name, help=line)
    app.meta.default(_launcher(app))
    return app


def run(tokens: Sequence[str]) -> int:
    """Run one command line; returns the exit code. Nothing that goes wrong gets out of here."""
    app = program()
    return ending.of(lambda: app.meta(tokens, exit_on_error=False, print_error=False, result_action="return_value"))


def _launcher(app: App) -> Callable[..., object]:
    def launch(
        *tokens: Annotated[str, Parameter(show=False, allow_leading_hyphen=True)],
        config: Annotated[Path | None, Parameter(env_var="UNMASQ_CONFIG", group=EVERYWHERE)] = None,
        color: Annotated[Color, Parameter(env_var="UNMASQ_COLOR", group=EVERYWHERE)] = "auto",
    ) -> object:
        """Set what holds for every verb, and start the one that is asked for.

        Parameters
        ----------
        config:
            A TOML file with settings: a table for each verb, with the names of its flags.
        color:
            Colours on standard output; auto is on a terminal, unless NO_COLOR is set.
        """
        output.set_color(color)
        app.config = settings.use(config, VERBS)
        return app(tokens)

    return launch


def _shown(default: object) -> str | None:
    """The default of a flag in its help; nothing where there is none to speak of."""
    return None if default in (None, (), False) else str(default)
