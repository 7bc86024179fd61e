"""What is proven: the protocol of a subject, and jaxmlp as one."""
