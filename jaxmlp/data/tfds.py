"""Any 28x28 greyscale classification set of tensorflow-datasets: mnist, fashion_mnist, kmnist, emnist/balanced, …

Images come in the order in which tensorflow-datasets stores them, which it shuffles: `tfds:mnist` holds MNIST's images
in another order than `mnist`. EMNIST's are stored transposed, and are left as stored.
"""

import difflib
import io
import os
import re
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from jaxmlp.data.dataset import PIXELS, Dataset, Split
from jaxmlp.data.idx import check
from jaxmlp.data.mnist import FILES, named_folder
from jaxmlp.data.reachable import first_to_answer
from jaxmlp.errors import ConfigError, DataError, DataUnreachable

_CHUNK = 1000  # records read at once
_REMEDY = "prepare it where there is a network and name its folder by --data-dir, or use --data generated"


def load_tfds(name: str, data_dir: Path | None = None) -> Dataset:
    """The training and test split of `name`, as in "fashion_mnist" or "emnist/balanced", downloaded and prepared once.

    `data_dir`: where tensorflow-datasets keeps its sets (by default ~/tensorflow_datasets), or a folder with MNIST's
    four .gz files, as $JAXMLP_DATA_DIR may be too: from these `mnist` is prepared without a network. Raises
    `ConfigError` if there is no such set, `DataUnreachable` if it is neither on disk nor to be had, `DataError` if
    tensorflow-datasets is not installed or the set is not made of labelled 28x28 greyscale images.
    """
    library = _library()
    files = _mnist_files(data_dir) if name.split(":")[0] == "mnist" else None
    builder = _builder(library, name, None if files else data_dir)
    image, label = _keys(name, builder)
    if not builder.data_path.joinpath("dataset_info.json").exists():  # is_prepared() logs a warning if not
        _prepare(library, name, builder, files)
    if missing := {"train", "test"} - set(builder.info.splits):
        present = ", ".join(builder.info.splits)
        raise DataError(f"tfds:{name} has no split {' or '.join(sorted(missing))}, only {present}")
    try:
        train, test = (_read(library, builder, split, image, label) for split in ("train", "test"))
    except Exception as error:  # the library documents none of the many that damaged files raise
        raise DataError(f"tfds:{name} in {builder.data_dir} cannot be read: {_line(error)}") from None
    source = f"{builder.info.full_name} of tensorflow-datasets, from {builder.data_dir}"
    return Dataset(train, test, tuple(builder.info.features[label].names), source)


def _library() -> Any:
    try:
        import tensorflow_datasets
    except ImportError as error:
        raise DataError(f"--data tfds:… needs {error.name or error}: pip install -e '.[tfds]'") from None
    if not sys.stderr.isatty():
        tensorflow_datasets.disable_progress_bar()
    return tensorflow_datasets


def _mnist_files(data_dir: Path | None) -> Path | None:
    """The folder that was named, if it holds MNIST's four .gz files."""
    folder, _ = named_folder(data_dir) or (None, "")
    return folder if folder and all((folder / f"{name}.gz").is_file() for name in FILES) else None


def _builder(library: Any, name: str, data_dir: Path | None) -> Any:
    """The library's object for the set, in the file format that can be read without TensorFlow."""
    try:
        return library.builder(name, data_dir=data_dir and os.path.expanduser(data_dir), file_format="array_record")
    except library.core.DatasetNotFoundError:
        known = library.list_builders(with_community_datasets=False)
        close = difflib.get_close_matches(name.split("/")[0], known)
        hint = f"; close to it: {', '.join(close)}" if close else ""
        raise ConfigError(f"tfds:{name} is not in tensorflow-datasets{hint}") from None
    except ValueError as error:
        configs = ", ".join(library.builder_cls(re.split("[/:]", name)[0]).builder_configs)
        raise ConfigError(f"tfds:{name}: {_line(error)} (its configurations: {configs or 'none'})") from None
    except Exception as error:  # a folder of sets that is damaged, or not to be read
        raise DataError(f"tfds:{name} in {data_dir or 'the default folder'} cannot be opened: {_line(error)}") from None


def _keys(name: str, builder: Any) -> tuple[str, str]:
    """Under which names the set holds its image and its label; refuses a set that has other features than ours."""
    image, label = (builder.info.supervised_keys or ("image", "label"))[:2]
    features = dict(builder.info.features or {})
    shape = getattr(features.get(image), "shape", None)
    classes = getattr(features.get(label), "num_classes", None)
    if shape != (28, 28, 1) or features[image].np_dtype != np.uint8:
        found = "no images" if shape is None else f"{image} of shape {shape}"
        raise DataError(f"tfds:{name} holds {found}; greyscale images of shape (28, 28, 1) in uint8 are right")
    if not classes or classes > 256:
        found = f"{classes} classes" if classes else "no labels"
        raise DataError(f"tfds:{name} holds {found}; up to 256 classes are right")
    return image, label


def _prepare(library: Any, name: str, builder: Any, files: Path | None) -> None:
    """Downloads the set and writes it to the library's folder; from `files` without a network."""
    from requests import RequestException
    from tensorflow_datasets.core.download import downloader

    if find_spec("tensorflow") is None:  # reading does without, writing does not
        raise DataError(f"preparing tfds:{name} for the first time needs TensorFlow: pip install tensorflow")
    downloader.MAX_RETRIES = 1  # ten, with their pauses, take 205 s where there is no network
    if files is not None:
        _register(builder, files)
    else:
        _must_answer(name, builder)
    config = library.download.DownloadConfig(manual_dir=files, try_download_gcs=False)
    try:
        builder.download_and_prepare(download_config=config)
    except ImportError as error:
        package = error.name or _line(error)
        raise DataError(f"preparing tfds:{name} needs the package {package}: install it first") from None
    except Exception as error:  # the library documents none of the many that it raises
        network = (RequestException, library.core.download.DownloadError)
        kind = DataUnreachable if isinstance(error, network) else DataError
        raise kind(f"tfds:{name} could not be prepared in {builder.data_dir}: {_line(error)}") from None


def _register(builder: Any, files: Path) -> None:
    """Vouches for the user's files: their .gz may have been packed anew, their content must be the original."""
    from tensorflow_datasets.core.download import checksums

    for name, digest in FILES.items():
        path = files / f"{name}.gz"
        check(path, path.read_bytes(), digest)
        for url in [url for url in builder.url_infos if url.endswith(path.name)]:
            builder.url_infos[url] = checksums.compute_url_info(path)


def _must_answer(name: str, builder: Any) -> None:
    urls = [url for url in builder.url_infos if url.startswith("http")][:1]
    if urls and not first_to_answer(urls, accept=lambda status: True):
        raise DataUnreachable(f"tfds:{name} is not in {builder.data_dir} and {urls[0]} does not answer: {_REMEDY}")


def _read(library: Any, builder: Any, split: str, image: str, label: str) -> Split:
    """One split, parsed and decoded here: 60 us an image where the library's own way takes 200."""
    from PIL import Image
    from tensorflow_datasets.proto import tf_example_pb2

    example: Any = tf_example_pb2.Example  # type: ignore[attr-defined]  # protobuf makes it at import
    records = builder.as_data_source(split, deserialize_method=library.decode.DeserializeMethod.RAW_BYTES)
    images, labels = np.empty((len(records), PIXELS), np.uint8), np.empty(len(records), np.uint8)
    with tqdm(total=len(records), desc=f"reading {split}", unit="image", leave=False, disable=None) as bar:
        for start in range(0, len(records), _CHUNK):
            chunk = records.__getitems__(range(start, min(start + _CHUNK, len(records))))
            for i, record in enumerate(chunk, start):
                feature = example.FromString(record).features.feature
                png = io.BytesIO(feature[image].bytes_list.value[0])
                images[i] = np.frombuffer(Image.open(png, formats=("PNG",)).tobytes(), np.uint8)
                labels[i] = feature[label].int64_list.value[0]
            bar.update(len(chunk))
    return Split(images, labels)


def _line(error: BaseException) -> str:
    """The first line of what an exception says, less the library's repetition of our own arguments."""
    text = re.sub(r'(?s)^Failed to construct dataset .*?}": |Here are 10 Builder.*', "", str(error).strip())
    return next(iter(text.splitlines()), type(error).__name__).strip(" .")
