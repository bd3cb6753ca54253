"""Face classifiers: scikit-learn estimators on flattened grey faces."""
