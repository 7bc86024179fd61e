"""The original's preview of the data."""

from pathlib import Path

from jaxmlp.data import Dataset
from jaxmlp.run.plots import style


def preview(dataset: Dataset, path: Path) -> None:
    """The first 16 training images in a 4x4 grid, no ticks, binary colour map, each with its class name below."""
    figure, axes = style.figure(4, 4, figsize=(6, 6.6))
    for axis, image, label in zip(axes.flat, dataset.train.images, dataset.train.labels, strict=False):
        style.show_image(axis, image, dataset.class_names[label])
    for axis in axes.flat:
        style.bare(axis)
    style.save(figure, path)
