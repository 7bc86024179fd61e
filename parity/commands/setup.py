"""`python -m parity setup`: makes the environment with genuine TensorFlow 1.15.5."""

from parity.commands.options import SetupOptions
from parity.oracle import environment


def setup(options: SetupOptions) -> int:
    """Returns 0; raises CannotCompare."""
    where = options.into or environment.folder()
    print(f"Installing {' and '.join(environment.PACKAGES)} into {where} …", flush=True)
    print(f"TensorFlow {environment.set_up(options.python, where)} is ready.")
    if where != environment.folder():
        print(f"Tell the other commands: export PARITY_TF115={where}")
    return 0
