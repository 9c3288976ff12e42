"""`unmasq schema`: what the stored documents look like, for machines."""

import sys
from typing import Any

from cyclopts import App

app = App(name="schema", help="Print the JSON Schema of what unmasq stores.")


@app.command
def flow() -> None:
    """The flow log: one document a connection and interval, with the ECS field for each address (x-ecs)."""
    import json

    json.dump(flow_schema(), sys.stdout, indent=2)
    print()


def flow_schema() -> dict[str, Any]:
    """The JSON Schema of a flow."""
    import msgspec

    from unmasq.model.flow import Flow

    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **msgspec.json.schema(Flow)}
