"""The training of a Keras network on faces, on any backend; it continues where it was interrupted.

Adam with decoupled weight decay (Loshchilov & Hutter, ICLR 2019), a learning rate that rises, then
falls as a cosine; cross-entropy with smoothed labels (Szegedy et al., CVPR 2016). The running
average of the weights (`weight_average`) is judged on faces that are not learnt from; of the epochs
that do best, but for chance, the last is kept.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from hashlib import sha256
from time import perf_counter
from typing import Any, NamedTuple, Optional

import numpy as np

from cvbaseline.classifiers.checkpoints import continues_after, load_checkpoint, save_checkpoint
from cvbaseline.classifiers.face_augmentation import Augmentation, augment
from cvbaseline.classifiers.interruption import interrupted_at_checks
from cvbaseline.classifiers.keras_network import import_keras
from cvbaseline.classifiers.weight_average import WeightAverage
from cvbaseline.progress import ProgressLine

# Few faces are shown several times in an epoch, each time changed.
LEAST_STEPS = 20
WARM_UP = 0.15  # share of the steps in which the learning rate rises
FACES_AT_ONCE = 256
# So much above the least, a loss is as good: it varies as much with the faces that were held out,
# and of equals the last epoch, of the smallest learning rate, does better on others.
AS_GOOD = 1.02

History = dict[str, list[float]]  # "loss", "accuracy", "val_loss", "val_accuracy" of each epoch


class Examples(NamedTuple):
    """Faces with what they are to be taken for."""

    faces: np.ndarray  # uint8 (n, side, side)
    targets: np.ndarray  # float32 (n, k)
    weights: np.ndarray  # float32 (n,)


@dataclass(frozen=True)
class Plan:
    """How a network is trained; see `Cnn` for the parameters of the same names."""

    epochs: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    label_smoothing: float
    patience: int
    seed: int
    augmentation: Optional[Augmentation]


def train_network(
    network: Any,
    as_input: Callable[[np.ndarray], np.ndarray],
    learnt: Examples,
    checked: Examples,
    plan: Plan,
) -> History:
    """Train a network (keras.Model to scores) on `learnt`; it ends as its best epoch's average.

    as_input : from faces, uint8 (n, side, side), to what the network takes

    After every epoch a checkpoint is left (see `checkpoints`). The best epoch is the last whose
    loss on `checked` is AS_GOOD as the least before it.
    """
    batch = min(plan.batch_size, len(learnt.faces))
    steps = max(LEAST_STEPS, -(-len(learnt.faces) // batch))
    compile_network(network, plan, steps)
    average = WeightAverage(network, steps, plan.epochs)
    course = Course(network, average, training_key(network, learnt, checked, plan), plan)
    if not course.finished:
        keras = import_keras()
        progress = ProgressLine()

        def step_ended(step: int, logs: dict[str, float]) -> None:
            average.step_ended(step)
            progress(course.in_words(), step + 1, steps)
            check()

        def epoch_ended(epoch: int, logs: dict[str, float]) -> None:
            course.epoch_ended(epoch, logs)
            check()

        try:
            with interrupted_at_checks() as check:
                network.fit(
                    batches(as_input, learnt, plan, batch, steps, course.epochs_done),
                    epochs=plan.epochs,
                    initial_epoch=course.epochs_done,
                    steps_per_epoch=steps,
                    validation_data=(as_input(checked.faces), checked.targets, checked.weights),
                    validation_batch_size=FACES_AT_ONCE,
                    shuffle=False,  # the batches are
                    callbacks=[
                        keras.callbacks.LambdaCallback(
                            on_epoch_end=epoch_ended,
                            on_train_batch_end=step_ended,
                            on_test_begin=lambda logs: average.swap_in(),
                            on_test_end=lambda logs: average.swap_out(),
                        )
                    ],
                    verbose=0,
                )
        finally:
            progress.close()
    network.set_weights(course.best_weights)
    return course.history


def compile_network(network: Any, plan: Plan, steps: int, warm_up_share: float = WARM_UP) -> None:
    """Give the network its optimizer and loss; `steps` make an epoch.

    warm_up_share : of all steps, in which the learning rate rises
    """
    keras = import_keras()
    warm_up = max(1, round(warm_up_share * plan.epochs * steps))
    rate = keras.optimizers.schedules.CosineDecay(
        plan.learning_rate / 25,
        max(1, plan.epochs * steps - warm_up),
        warmup_target=plan.learning_rate,
        warmup_steps=warm_up,
    )
    optimizer = keras.optimizers.AdamW(rate, weight_decay=plan.weight_decay, clipnorm=1.0)
    optimizer.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
    optimizer.build(network.trainable_variables)
    loss = keras.losses.CategoricalCrossentropy(True, label_smoothing=plan.label_smoothing)
    network.compile(optimizer, loss, metrics=["accuracy"])


def batches(
    as_input: Callable[[np.ndarray], np.ndarray],
    learnt: Examples,
    plan: Plan,
    batch: int,
    steps: int,
    first_epoch: int,
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Endless batches of changed faces, their targets and weights, `steps` for each epoch.

    An epoch's batches depend on its number and the seed only. Every face comes equally often,
    give or take one.
    """
    epoch = first_epoch
    while True:
        generator = np.random.default_rng([plan.seed, epoch])
        rounds = -(-steps * batch // len(learnt.faces))
        order = np.concatenate([generator.permutation(len(learnt.faces)) for _ in range(rounds)])
        for rows in order[: steps * batch].reshape(steps, batch):
            shown = learnt.faces[rows]
            if plan.augmentation is not None:
                shown = augment(shown, plan.augmentation, generator)
            yield as_input(shown), learnt.targets[rows], learnt.weights[rows]
        epoch += 1


class Course:
    """How far a training has come: its curves and best weights. Continues a checkpoint."""

    def __init__(self, network: Any, average: WeightAverage, key: str, plan: Plan):
        self.network, self.average, self.key, self.plan = network, average, key, plan
        self.history: History = {}
        self.best_weights = average.copy()
        self.best_epoch = 0
        self.finished = False
        self._started, self._seconds_before = perf_counter(), 0.0
        self._restore()

    @property
    def epochs_done(self) -> int:
        """Epochs that need not be trained any more."""
        return len(self.history.get("loss", []))

    def epoch_ended(self, epoch: int, logs: dict[str, float]) -> None:
        """Note what an epoch brought; stop when it gets no better."""
        for name, value in logs.items():
            self.history.setdefault(name, []).append(float(value))
        losses = [math.inf if math.isnan(loss) else loss for loss in self.history["val_loss"]]
        if losses[-1] < math.inf and losses[-1] <= AS_GOOD * min(losses):
            self.best_epoch, self.best_weights = epoch, self.average.copy()
        stopped = epoch - self.best_epoch >= self.plan.patience
        self.finished = stopped or epoch + 1 == self.plan.epochs
        self.network.stop_training = stopped
        self._save()

    def in_words(self) -> str:
        """For the progress line."""
        text = f"epoch {self.epochs_done + 1} of {self.plan.epochs}"
        if not self.epochs_done:
            return text
        loss, right = self.history["loss"][-1], self.history["val_accuracy"][-1]
        return f"{text} (so far: loss {loss:.3f}, validation accuracy {right:.3f})"

    def _state(self) -> dict[str, Any]:
        """Everything that changes while the network learns, by name: Keras variables."""
        # A layer's variables are its weights, and the state of its random generator (dropout).
        variables = [one for layer in self.network.layers for one in layer.variables]
        variables += self.network.optimizer.variables
        return {f"state_{number}": variable for number, variable in enumerate(variables)}

    def _save(self) -> None:
        keras = import_keras()
        arrays = {
            name: keras.ops.convert_to_numpy(variable) for name, variable in self._state().items()
        }
        arrays |= numbered("best", self.best_weights)
        arrays |= numbered("average", self.average.weights)
        record = {
            "history": self.history, "best_epoch": self.best_epoch, "finished": self.finished,
            "updates": self.average.updates,
            "seconds": self._seconds_before + perf_counter() - self._started,
        }  # fmt: skip
        save_checkpoint(self.key, record, arrays)

    def _restore(self) -> None:
        """Continue from a checkpoint, if there is one that fits."""
        found = load_checkpoint(self.key)
        if found is None:
            return
        record, arrays = found
        state = self._state()
        best, average = (numbered(name, self.best_weights) for name in ("best", "average"))
        expected = {**state, **best, **average}
        if {name: array.shape for name, array in arrays.items()} != {
            name: tuple(part.shape) for name, part in expected.items()
        }:
            return
        try:
            history = {
                str(name): [float(value) for value in values]
                for name, values in record["history"].items()
            }
            self.best_epoch, self.finished = int(record["best_epoch"]), bool(record["finished"])
            self.average.updates = int(record["updates"])
            self._seconds_before = float(record.get("seconds", 0))
        except (KeyError, TypeError, ValueError, AttributeError):
            return
        self.history = history
        self.best_weights = [arrays[name] for name in best]
        self.average.weights = [arrays[name] for name in average]
        for name, variable in state.items():
            variable.assign(arrays[name])
        continues_after(self._seconds_before)


def numbered(name: str, parts: list[np.ndarray]) -> dict[str, np.ndarray]:
    """Arrays by a name with their number."""
    return {f"{name}_{number}": part for number, part in enumerate(parts)}


def training_key(network: Any, learnt: Examples, checked: Examples, plan: Plan) -> str:
    """A name for all that a training depends on, 32 hexadecimal digits."""
    keras = import_keras()
    digest = sha256()
    about = [keras.__version__, keras.backend.backend(), sorted(asdict(plan).items())]
    about += [
        (type(layer).__name__, layer.trainable, layer.compute_dtype) for layer in network.layers
    ]
    digest.update(repr(about).encode())
    for array in [*network.get_weights(), *learnt, *checked]:
        digest.update(repr((array.shape, str(array.dtype))).encode())
        digest.update(np.ascontiguousarray(array))
    return digest.hexdigest()[:32]
