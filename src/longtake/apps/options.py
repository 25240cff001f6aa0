"""Options that several commands have."""

from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")]
Set = Annotated[
    list[str], typer.Option("--set", metavar="SECTION.NAME=VALUE", help="Change one setting; may be repeated.")
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace OUT if it is there already.")]
