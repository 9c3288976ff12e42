"""Flags that several verbs have, with one meaning each."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

_STORE = "The directory of the store: owned by a running `unmasq run`, or at rest. Otherwise what UNMASQ_STORE says."
StoreFlag = Annotated[Path, Parameter(name="--store", help=_STORE)]
ExitCodeFlag = Annotated[bool, Parameter(name="--exit-code", help="Exit with 3 if nothing was found.")]
UtcFlag = Annotated[bool, Parameter(name="--utc", help="Show times in UTC instead of the zone of this machine.")]
