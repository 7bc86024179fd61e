"""A flight recorder for somebody else's TensorFlow 1.x program: runs it as it is and writes down chosen training runs.

It adds no op to the graph and changes no value; it needs TensorFlow 1.15 and NumPy. `folder.py` tells what is written.
"""
