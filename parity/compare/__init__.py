"""The comparator, on NumPy alone: traces and how they are kept, what must agree in two of them and how closely."""
