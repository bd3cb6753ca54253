"""How it was measured, in words for a methods section, with references."""

import inspect

from cvbaseline.benchmarking.comparisons import ROUNDS
from cvbaseline.benchmarking.findings import Findings, Outcome
from cvbaseline.classifiers import classifier_class
from cvbaseline.duplicates import LEAST_CORRELATION, LEAST_DETAIL, MOST_BITS

REFERENCES = {
    "turk1991": "@article{turk1991, author={Turk, Matthew and Pentland, Alex}, title={Eigenfaces "
    "for Recognition}, journal={Journal of Cognitive Neuroscience}, volume={3}, number={1}, "
    "pages={71--86}, year={1991}}",
    "belhumeur1997": "@article{belhumeur1997, author={Belhumeur, Peter N. and Hespanha, "
    "Jo{\\~a}o P. and Kriegman, David J.}, title={Eigenfaces vs. {F}isherfaces: Recognition Using "
    "Class Specific Linear Projection}, journal={IEEE Transactions on Pattern Analysis and "
    "Machine Intelligence}, volume={19}, number={7}, pages={711--720}, year={1997}}",
    "ahonen2006": "@article{ahonen2006, author={Ahonen, Timo and Hadid, Abdenour and "
    'Pietik{\\"a}inen, Matti}, title={Face Description with Local Binary Patterns: Application '
    "to Face Recognition}, journal={IEEE Transactions on Pattern Analysis and Machine "
    "Intelligence}, volume={28}, number={12}, pages={2037--2041}, year={2006}}",
    "dalal2005": "@inproceedings{dalal2005, author={Dalal, Navneet and Triggs, Bill}, "
    "title={Histograms of Oriented Gradients for Human Detection}, booktitle={CVPR}, "
    "pages={886--893}, year={2005}}",
    "suykens1999": "@article{suykens1999, author={Suykens, Johan A. K. and Vandewalle, Joos}, "
    "title={Least Squares Support Vector Machine Classifiers}, journal={Neural Processing "
    "Letters}, volume={9}, number={3}, pages={293--300}, year={1999}}",
    "ionescu2013": "@inproceedings{ionescu2013, author={Ionescu, Radu Tudor and Popescu, Marius "
    "and Grozea, Cristian}, title={Local Learning to Improve Bag of Visual Words Model for Facial "
    "Expression Recognition}, booktitle={Workshop on Challenges in Representation Learning, "
    "ICML}, year={2013}}",
    "guo2017": "@inproceedings{guo2017, author={Guo, Chuan and Pleiss, Geoff and Sun, Yu and "
    "Weinberger, Kilian Q.}, title={On Calibration of Modern Neural Networks}, booktitle={ICML}, "
    "pages={1321--1330}, year={2017}}",
    "efron1993": "@book{efron1993, author={Efron, Bradley and Tibshirani, Robert J.}, title={An "
    "Introduction to the Bootstrap}, publisher={Chapman \\& Hall}, year={1993}}",
    "fisher1935": "@book{fisher1935, author={Fisher, Ronald A.}, title={The Design of "
    "Experiments}, publisher={Oliver \\& Boyd}, year={1935}}",
    "mcnemar1947": "@article{mcnemar1947, author={McNemar, Quinn}, title={Note on the Sampling "
    "Error of the Difference between Correlated Proportions or Percentages}, "
    "journal={Psychometrika}, volume={12}, number={2}, pages={153--157}, year={1947}}",
    "holm1979": "@article{holm1979, author={Holm, Sture}, title={A Simple Sequentially Rejective "
    "Multiple Test Procedure}, journal={Scandinavian Journal of Statistics}, volume={6}, "
    "number={2}, pages={65--70}, year={1979}}",
    "figueroa2012": "@article{figueroa2012, author={Figueroa, Rosa L. and Zeng-Treitler, Qing and "
    "Kandula, Sasikiran and Ngo, Long H.}, title={Predicting Sample Size Required for "
    "Classification Performance}, journal={BMC Medical Informatics and Decision Making}, "
    "volume={12}, number={8}, year={2012}}",
    "zauner2010": "@mastersthesis{zauner2010, author={Zauner, Christoph}, title={Implementation "
    "and Benchmarking of Perceptual Image Hash Functions}, school={Upper Austria University of "
    "Applied Sciences}, year={2010}}",
    "viola2001": "@inproceedings{viola2001, author={Viola, Paul and Jones, Michael}, title={Rapid "
    "Object Detection Using a Boosted Cascade of Simple Features}, booktitle={CVPR}, "
    "pages={511--518}, year={2001}}",
    "pedregosa2011": "@article{pedregosa2011, author={Pedregosa, Fabian and others}, "
    "title={Scikit-learn: Machine Learning in {P}ython}, journal={Journal of Machine Learning "
    "Research}, volume={12}, pages={2825--2830}, year={2011}}",
}

OF_CLASSIFIERS = {
    "eigenfaces": ("turk1991",),
    "fisherfaces": ("belhumeur1997",),
    "lbph": ("ahonen2006",),
    "hog_svm": ("dalal2005", "suykens1999"),
    "bag_of_words": ("ionescu2013",),
}


class Methods:
    """The paragraphs of a methods section; what they cite is noted."""

    def __init__(self) -> None:
        self.cited: list[str] = []

    def cite(self, *keys: str) -> str:
        """The keys in brackets, to be put behind a statement."""
        self.cited += [key for key in keys if key not in self.cited]
        return f" [{', '.join(keys)}]" if keys else ""

    def bibliography(self) -> str:
        """BibTeX of what was cited."""
        return "\n".join(REFERENCES[key] for key in self.cited)

    def data(self, findings: Findings, size: int, equalise: str, detected: bool) -> str:
        """What was classified."""
        data = findings.data
        grouped = "" if data.groups is None else f" in {len(set(data.groups)):,} groups"
        text = (
            f"{len(data.labels):,} faces{grouped} of {len(data.classes)} classes, grey, scaled to "
            f"{size} x {size} pixels"
        )
        text += {"none": "", "histogram": ", histograms equalised", "clahe": ", CLAHE"}[equalise]
        if detected:
            text += (
                f"; cut out where a boosted cascade found them{self.cite('viola2001')}, whose "
                "misses count as errors"
            )
        return text + "."

    def split(self, findings: Findings, seed: int) -> str:
        """What was learnt from and what was tested."""
        splits = findings.splits
        train = sum(len(split.train) for split in splits) / len(splits)
        test = sum(len(split.test) for split in splits) / len(splits)
        if len(splits) == 1:
            return (
                f"Trained on {train:,.0f} faces and tested on {test:,.0f} others "
                f"({splits[0].name}), each once."
            )
        repeats = splits[-1].repeat + 1
        folds = sum(split.repeat == 0 for split in splits)
        kept = " that keep groups whole" if findings.data.groups is not None else ""
        again = f", repeated {repeats} times with other folds" if repeats > 1 else ""
        return (
            f"Stratified {folds}-fold cross-validation{kept}{again} (seed {seed}): trained on "
            f"{train:,.0f} faces and tested on {test:,.0f} others at a time."
        )

    def leaks(self, findings: Findings, dropped: bool) -> str:
        """How copies were looked for."""
        text = (
            "Copies were looked for among all faces: equal pixels, or a perceptual hash"
            f"{self.cite('zauner2010')} that differs in at most {MOST_BITS} of 63 bits together "
            f"with correlations of at least {LEAST_CORRELATION:g} of the pixels and "
            f"{LEAST_DETAIL:g} of the details, mirrored copies included"
        )
        if dropped:
            return f"{text}. Copies of test faces were left out of training."
        if findings.leaked:
            return f"{text}. Results are given with and without test faces that have one."
        return f"{text}. No test face has one in training."

    def contenders(self, outcomes: list[Outcome]) -> str:
        """What was compared."""
        parts = []
        for outcome in outcomes:
            contender = outcome.contender
            about = inspect.getdoc(classifier_class(contender.name)).splitlines()[0].rstrip(".")
            if about[1:2].islower():
                about = about[0].lower() + about[1:]
            cited = self.cite(*OF_CLASSIFIERS.get(contender.name, ()))
            parts.append(f"{outcome.title}: {about}{cited}")
        return (
            "; ".join(parts) + ". All are scikit-learn estimators"
            f"{self.cite('pedregosa2011')} and saw the same crops and splits."
        )

    def metrics(self, findings: Findings) -> str:
        """What the numbers are."""
        units = "groups" if findings.data.groups is not None else "faces"
        return (
            "Macro F1 is the mean of the classes' F1, balanced accuracy the mean of their recalls, "
            "log loss the mean of -ln p(true class). The calibration error (ECE) is the mean gap "
            f"between confidence and accuracy over 15 bins{self.cite('guo2017')}. Intervals cover "
            f"95 %: percentiles of 1,000 bootstrap draws of whole {units}, less their bias"
            f"{self.cite('efron1993')}. "
            "They show what other test pictures would do, not what other training pictures would."
        )

    def tests(self, findings: Findings) -> str:
        """How contenders were told apart."""
        if not findings.comparisons:
            return ""
        if findings.comparisons[0].test == "McNemar":
            how = f"McNemar's exact test on the same faces{self.cite('mcnemar1947')}"
        else:
            units = "groups" if findings.data.groups is not None else "faces"
            how = (
                f"the paired sign-flip test of {units}{self.cite('fisher1935')}, exact or with "
                f"{ROUNDS:,} random flips"
            )
        return (
            f"Pairs of contenders were compared by {how}, with Holm's correction for the number of "
            f"pairs{self.cite('holm1979')}; a difference is called one when the corrected p is "
            "below .05."
        )

    def learning_curve(self) -> str:
        """How more pictures were reckoned with."""
        return (
            "Learning curves come from nested random parts of the training faces, and are "
            f"continued by an inverse power law{self.cite('figueroa2012')}."
        )

    def costs(self, findings: Findings) -> str:
        """How times and memory were taken."""
        threads = max((outcome.costs.threads for outcome in findings.outcomes), default=1)
        return (
            f"Times are wall-clock medians over the splits, with {threads} thread"
            f"{'' if threads == 1 else 's'}; peak memory is that of a process of the contender's "
            "own, the interpreter with its libraries (some 150 MB) included; model size that of "
            "the file."
        )
