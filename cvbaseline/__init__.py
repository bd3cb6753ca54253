"""Classical computer-vision baselines on faces.

Importing the package loads none of the heavy libraries: each module imports OpenCV,
scikit-learn, numba or matplotlib where it uses them.
"""

__version__ = "0.1.0"
