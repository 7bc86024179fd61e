"""Who answers for TensorFlow: genuine 1.15.5 in a Python 3.7 of its own, TF 2.x in this process, or a recorded run."""
