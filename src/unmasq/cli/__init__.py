"""The program: what is typed, what is printed, how it ends.

One file a verb; `program` lists them. Only this package knows the library of the command line. A verb imports what it needs
when it runs, so that `unmasq --version` loads no database, no web framework and no numpy. No decision belongs here.
"""

import os
import sys


def main() -> None:
    """Run the command line of this process and exit."""
    from unmasq.cli.program import run

    os.umask(0o077)  # who came from where is the owner's to read, in the database's own logs and spill files too
    sys.exit(run(sys.argv[1:]))
