"""`python -m parity setup`: makes the environment with genuine TensorFlow 1.15.5."""

from jaxmlp.progress import Progress
from parity.commands.options import SetupOptions
from parity.oracle import environment


def setup(options: SetupOptions) -> int:
    """Returns 0; raises CannotCompare."""
    where = options.into or environment.folder()
    print(f"Installing {' and '.join(environment.PACKAGES)} into {where} …", flush=True)
    with Progress(len(environment.PIECES), "piece", environment.PIECES[0]) as progress:
        following = iter((*environment.PIECES[1:], "done"))

        def tell() -> None:
            progress.update()
            progress.describe(next(following))

        version = environment.set_up(options.python, where, tell)
    print(f"TensorFlow {version} is ready.")
    if where != environment.folder():
        print(f"Tell the other commands: export PARITY_TF115={where}")
    return 0
