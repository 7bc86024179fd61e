"""The only files that import TensorFlow. They run on Python 3.7 too and know nothing of this project."""

import os

# Before TensorFlow is imported, by any of these files.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")  # one rounding for every CPU, where the version knows the switch
