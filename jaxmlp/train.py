"""`python -m jaxmlp.train`: parses, wires and prints. The original program, from pixels to its last line.

jax and numpy are imported after parsing, so that `--help` and a mistyped option answer at once.
"""

import dataclasses
import datetime
import math
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from jaxmlp import command_line
from jaxmlp.config import Config
from jaxmlp.errors import ConfigError, DivergedError, OutputError

DESCRIPTION = "Train the original TensorFlow 1.x MNIST program, in JAX: the same weights, gradients and lines."


@dataclasses.dataclass(frozen=True)
class TrainOptions:
    """Options of one training run."""

    data: Annotated[str, tyro.conf.arg(metavar="NAME")] = "auto"
    """auto (MNIST, else generated digits), mnist, tfds:NAME[/CONFIG] or generated[:N]"""
    data_dir: Annotated[Path | None, tyro.conf.arg(metavar="DIR")] = None
    """folder with the data's files; also $JAXMLP_DATA_DIR"""
    device: Literal["auto", "cpu", "gpu", "tpu"] = "auto"
    """where to compute; never another than the one asked for"""
    out: Annotated[Path | None, tyro.conf.arg(metavar="DIR")] = None
    """the run's folder; default runs/<date-time>-<seed>"""
    quiet: bool = False
    """print nothing but warnings and errors"""
    json: bool = False
    """one JSON object a report on stdout, everything else on stderr"""
    plots: bool = False
    """write preview.png and curves.png into the run's folder (extra `plot`)"""
    target_accuracy: Annotated[float | None, tyro.conf.arg(metavar="PERCENT")] = None
    """exit with 1 when the final test accuracy is below it"""
    no_compilation_cache: bool = False
    """do not keep compiled programs in the user's cache folder from run to run"""
    config: Annotated[Path | None, tyro.conf.arg(metavar="FILE.toml")] = None
    """any of these options by name; the command line wins over it"""
    program: Config = dataclasses.field(default_factory=Config)

    def __post_init__(self):
        from jaxmlp.data.load import check_name

        check_name(self.data)
        target = self.target_accuracy
        if target is not None and not (math.isfinite(target) and 0 <= target <= 100):
            raise ConfigError(f"target_accuracy = {target!r} is impossible: it must be a percentage from 0 to 100")


def main(argv: Sequence[str] | None = None) -> int:
    """Returns the exit code, see `command_line`."""
    return command_line.run(train, argv)


def train(argv: Sequence[str] | None) -> int:
    """Parses, trains, reports, and leaves the run's folder. Raises JaxmlpError."""
    options = command_line.parse(TrainOptions, argv, "python -m jaxmlp.train", DESCRIPTION)
    from jaxmlp import plots
    from jaxmlp.checkpoint import RunFolder
    from jaxmlp.compilation_cache import enable
    from jaxmlp.compile_clock import CompileClock
    from jaxmlp.data import load
    from jaxmlp.device import pick
    from jaxmlp.record import Screen, stand_in_notice
    from jaxmlp.trainer import Run, prepare

    if options.plots:
        plots.require_matplotlib()
    device = pick(options.device)
    if not options.no_compilation_cache:
        enable()
    config = options.program
    screen = Screen(config.steps, options.quiet, options.json)
    dataset = load(options.data, options.data_dir, config.seed)
    if dataset.stand_in:
        screen.warn(stand_in_notice(dataset.source))
    started = time.perf_counter()
    with CompileClock() as clock:
        run = Run(config, prepare(config, dataset, device))
        folder = RunFolder(options.out or default_folder(config.seed), describe(run, dataset.source))
        screen.say(introduction(run, dataset))
        records, interrupted = watch(run, folder, screen, dataset)
        predictions = run.test_predictions()
    seconds = time.perf_counter() - started
    failure = finish(folder, run, predictions)
    if options.plots and failure is None:
        plots.preview(dataset, folder.path / "preview.png")
        plots.curves(records, dataset.source, folder.path / "curves.png")
    if dataset.stand_in:
        screen.warn("These accuracies are of GENERATED digits, NOT of MNIST.")
    screen.say(summary(len(records), run, seconds, clock.seconds))
    if failure:
        raise failure
    screen.say(f"Run folder: {folder.path}")
    if interrupted:
        screen.warn(f"interrupted after step {records[-1].step}; {folder.path} is complete up to it")
        return 130
    return 0 if options.target_accuracy is None else verdict(run.test_accuracy(), options.target_accuracy, screen)


def watch(run, folder, screen, dataset) -> tuple[list[Any], bool]:
    """Trains, telling screen and folder of every step. A first Ctrl-C ends it after the step under way.

    Returns the records, and whether it was interrupted. Raises DivergedError, with the folder closed.
    """
    records: list[Any] = []
    with Interrupt() as interrupt:
        try:
            for record in run:
                records.append(record)
                folder.append(record)
                screen.step(record)
                if record.test_accuracy is not None:
                    screen.report(record, dataset.source, dataset.stand_in)
                if interrupt.asked and record.step + 1 == int(run.state.step):
                    break
        except DivergedError as error:
            folder.close()
            raise DivergedError(f"{error}. The steps before it are in {folder.path}", error.step) from None
        finally:
            screen.close()
    return records, interrupt.asked and len(records) < run.config.steps


class Interrupt:
    """While entered, a first Ctrl-C only sets `asked`, so that a step is never cut in two; a second one interrupts."""

    asked = False

    def __enter__(self) -> "Interrupt":
        self._previous = signal.signal(signal.SIGINT, self._on_signal)
        return self

    def __exit__(self, *_) -> None:
        signal.signal(signal.SIGINT, self._previous)

    def _on_signal(self, *_) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True


def introduction(run, dataset) -> str:
    """The original's two lines of shapes, then what it runs on and what it reads."""
    classes = len(dataset.class_names)
    engine = ", ".join(f"{name} {value}" for name, value in run.workload.engine.describe().items())
    lines = [
        f"{name} set {split.images.shape} {(len(split.labels), classes)}"
        for name, split in (("Training", dataset.train), ("Test", dataset.test))
    ]
    return "\n".join(
        [*lines, f"Device: {device_name(run.workload.device)}; engine: {engine}", f"Data: {dataset.source}"]
    )


def device_name(device) -> str:
    """For example `cpu (cpu:0)` or `gpu (NVIDIA H200)`."""
    return f"{device.platform} ({device.device_kind if device.platform != 'cpu' else device})"


def describe(run, source: str) -> dict[str, Any]:
    """config.json: the hyperparameters, and what `auto` came to."""
    import jax

    from jaxmlp import __version__

    return {
        "config": dataclasses.asdict(run.config),
        "engine": run.workload.engine.describe(),
        "data": source,
        "device": device_name(run.workload.device),
        "versions": {"jaxmlp": __version__, "jax": jax.__version__, "python": sys.version.split()[0]},
    }


def default_folder(seed: int) -> Path:
    """runs/<date-time>-<seed>, with a number behind it where two runs start in the same second."""
    name = f"{datetime.datetime.now():%Y%m%d-%H%M%S}-{seed}"
    candidates = (Path("runs") / (name if n == 1 else f"{name}-{n}") for n in range(1, 1000))
    return next(path for path in candidates if not path.exists())


def finish(folder, run, predictions) -> OutputError | None:
    """Writes the run's last files; what goes wrong is returned, so that the results are printed before it is raised."""
    try:
        folder.finish(run.state.params, predictions)
    except OutputError as error:
        return error
    return None


def summary(steps: int, run, seconds: float, compile_seconds: float) -> str:
    """Time, steps/s and images/s with compile time apart."""
    stepping = max(seconds - compile_seconds, 1e-9)
    return (
        f"{steps} steps in {stepping:.1f} s: {steps / stepping:.2f} steps/s, "
        f"{steps * run.workload.train.size / stepping:,.0f} images/s; compiling took {compile_seconds:.1f} s more"
    )


def verdict(accuracy: float, target: float, screen) -> int:
    """Exit code 1 when the target was missed."""
    if accuracy >= target:
        return 0
    screen.warn(f"Test accuracy {accuracy:.2f}% is below the target of {target:g}%")
    return 1


if __name__ == "__main__":
    sys.exit(main())
