"""Train the verifier of drawn faces that ships: `--verify animeface`.

    python models/train_verify_animeface.py ARCHIVES WORK

ARCHIVES and WORK are those of cascades/train_animeface.py, whose pictures are prepared there unless
they are already. The boxes that the first stages of cascades/lbp_animeface.xml and
haar_animeface.xml find in them are learnt by a small residual network (He et al., CVPR 2016). Needs
PyTorch and onnx; half an hour on one core. WORK keeps the boxes (verifier_boxes.npz) and what was
learnt (verifier_network_N.pt), which are not made again. Writes models/verify_animeface.npz and a
JSON with what it is worth behind both cascades.

anime_screens_dev.zip takes no part but for the limits of the evidence (VERIFY_ABOVE here, for
cascades of others, and SECOND_LOOKS of cvbaseline/shipped.py), which were chosen on it.
"""

import io
import json
import sys
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import torch
from torch import nn
from torch.nn import functional

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "cascades"))
from animeface_data import prepare
from train_animeface import DRAWN_SCENES, measure, run
from verifier_pictures import LARGE, SEED, SOURCES, STAGES, all_boxes

from cvbaseline import __version__
from cvbaseline.classifiers.onnx_network import OnnxNetwork
from cvbaseline.detection_parameters import DetectionParameters
from cvbaseline.faces import CropOptions
from cvbaseline.model_file import FaceModel, save_model
from cvbaseline.second_look import CLASSES, LIMIT
from cvbaseline.shipped import SECOND_LOOKS
from cvbaseline.verifier_boxes import JudgedBoxes

VERIFY_ABOVE = 2.0
SIDE, MARGIN = 48, 0.25  # of what is shown
MIRROR_MARGIN = 0.04  # of the crop's side: of what the mirror image shows
SURE_AT = 0.98  # a box that is so surely one or the other is not asked mirrored as well
HELD_OUT = 20  # one picture of so many is not learnt from

BATCH, EACH = 128, 32_000  # boxes of an epoch
DECAY, SMOOTHING = 0.02, 0.02


class Cycle(NamedTuple):
    """A part of the training, in which the learning rate rises and falls once."""

    epochs: int
    learning_rate: float


# A second, short one finds a little more (warm restarts: Loshchilov & Hutter, ICLR 2017).
CYCLES = (Cycle(20, 3e-3), Cycle(7, 1e-3))


class Spread(NamedTuple):
    """How differently a box is shown each time: standard deviations."""

    size: float  # of its logarithm
    degrees: float
    place: float  # in box sides


# Faces are recognised in boxes that sit badly, too; a box moved so far might hold one.
OTHER = Spread(0.1, 12, 0.05)
FACE = Spread(0.12, 14.4, 0.06)
STEEPEST = 45  # degrees


class Residual(nn.Module):
    """Two convolutions beside an identity."""

    def __init__(self, channels: int):
        super().__init__()
        self.first = convolution(channels, channels)
        self.second = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.relu(x + self.second(self.first(x)))


def convolution(inputs: int, outputs: int, stride: int = 1) -> nn.Module:
    """A convolution of 3 x 3, normalised and rectified."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()
    )


def network() -> nn.Module:
    """From faces (n, 1, SIDE, SIDE), scaled as OnnxNetwork does, to features (n, 112)."""
    return nn.Sequential(
        convolution(1, 16, 2), convolution(16, 32), nn.MaxPool2d(2), Residual(32),
        convolution(32, 64), nn.MaxPool2d(2), Residual(64), convolution(64, 112), Residual(112),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(),
    )  # fmt: skip


def new_model() -> nn.Sequential:
    """The network, and the layer that tells faces from others."""
    return nn.Sequential(network(), nn.Dropout(0.2), nn.Linear(112, 2))


def as_input(crops: np.ndarray) -> torch.Tensor:
    """Crops, uint8 (n, SIDE, SIDE), as the network's input."""
    return torch.from_numpy((crops.astype(np.float32) - 128) / 64)[:, None]


def cut(crop: np.ndarray, scale: float, degrees: float, move: np.ndarray, flip: bool) -> np.ndarray:
    """The middle of a large crop as SIDE x SIDE pixels, turned, moved (in box sides), mirrored."""
    box = LARGE.size / (1 + 2 * LARGE.margin)
    step = scale * box * (1 + 2 * MARGIN) / SIDE  # pixels of the crop for one of the result
    cosine, sine = step * np.cos(np.radians(degrees)), step * np.sin(np.radians(degrees))
    turn = np.array([[cosine, -sine], [sine, cosine]]) * [-1 if flip else 1, 1]
    middle = (LARGE.size - 1) / 2 + move * box - turn @ np.full(2, (SIDE - 1) / 2)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    affine = np.column_stack([turn, middle])
    return cv2.warpAffine(crop, affine, (SIDE, SIDE), flags=flags, borderMode=cv2.BORDER_REPLICATE)


def varied(crop: np.ndarray, spread: Spread, generator: np.random.Generator) -> np.ndarray:
    """A crop as it might be in another picture: place, angle, sharpness, light, noise, cover."""
    normal, chance = generator.normal, generator.random
    degrees = float(np.clip(normal(0, spread.degrees), -STEEPEST, STEEPEST))
    scale, move = np.exp(normal(0, spread.size)), normal(0, spread.place, 2)
    shown = cut(crop, scale, degrees, move, chance() < 0.5)
    if chance() < 0.3:
        small = int(SIDE * generator.uniform(0.4, 0.9))
        shown = cv2.resize(shown, (small, small), interpolation=cv2.INTER_AREA)
        shown = cv2.resize(shown, (SIDE, SIDE))
    shown = shown.astype(np.float32)
    if chance() < 0.5:
        shown = 255 * (shown / 255) ** np.exp(normal(0, 0.35))
        shown = (shown - 128) * np.exp(normal(0, 0.25)) + 128 + normal(0, 15)
    if chance() < 0.3:
        shown = shown + normal(0, generator.uniform(1, 8), shown.shape)
    if chance() < 0.15:
        height, width = generator.integers(SIDE // 6, SIDE // 3, 2)
        top, left = generator.integers(0, SIDE - height), generator.integers(0, SIDE - width)
        shown[top : top + height, left : left + width] = generator.uniform(0, 255)
    return np.clip(shown, 0, 255).astype(np.uint8)


def learn(
    model: nn.Sequential,
    cycle: Cycle,
    boxes: JudgedBoxes,
    source: np.ndarray,
    held_out: np.ndarray,
    seed: int,
) -> None:
    """Train the network with its last layer for a cycle."""
    generator = np.random.default_rng(seed)
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    model.to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(model.parameters(), weight_decay=DECAY)
    steps = EACH // BATCH
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, cycle.learning_rate, total_steps=cycle.epochs * steps, pct_start=0.2
    )
    for epoch in range(cycle.epochs):
        rows = epoch_rows(boxes, source, held_out, generator)
        model.train()
        losses = []
        for step in range(steps):
            some = rows[step * BATCH : (step + 1) * BATCH]
            is_face = boxes.is_face[some]
            pairs = zip(boxes.crops[some], is_face)
            shown = [varied(crop, FACE if face else OTHER, generator) for crop, face in pairs]
            labels = torch.from_numpy(is_face.astype(np.int64))
            answers = model(as_input(np.stack(shown)))
            loss = functional.cross_entropy(answers, labels, label_smoothing=SMOOTHING)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            losses.append(loss.item())
        print(f"epoch {epoch + 1} of {cycle.epochs}: loss {np.mean(losses):.4f}", flush=True)


def trained(
    boxes: JudgedBoxes, source: np.ndarray, held_out: np.ndarray, work: Path
) -> nn.Sequential:
    """The network after all cycles; those whose weights WORK has are not trained again."""
    torch.manual_seed(SEED)
    model = new_model()
    for number, cycle in enumerate(CYCLES, 1):
        known = work / f"verifier_network_{number}.pt"
        if not known.exists():
            learn(model, cycle, boxes, source, held_out, SEED + number)
            torch.save(model.state_dict(), known)
        model.load_state_dict(torch.load(known, weights_only=True))
    return model


def epoch_rows(
    boxes: JudgedBoxes, source: np.ndarray, held_out: np.ndarray, generator: np.random.Generator
) -> np.ndarray:
    """The boxes that an epoch shows, of every source and kind its share, in any order."""
    drawn = []
    for number, one in enumerate(SOURCES):
        for is_face, count in ((True, one.faces), (False, one.others)):
            usable = (source == number) & (boxes.is_face == is_face) & ~held_out
            chosen = generator.permutation(np.flatnonzero(usable))
            drawn.append(np.resize(chosen, count) if one.repeat else chosen[:count])
    rows = generator.permutation(np.concatenate(drawn))
    return np.resize(rows, EACH)


def as_estimator(model: nn.Sequential) -> OnnxNetwork:
    """The trained network as one that OpenCV runs."""
    features, _, last = model.to(memory_format=torch.contiguous_format).eval()
    data = io.BytesIO()
    torch.onnx.export(
        features, (torch.zeros(1, 1, SIDE, SIDE),), data, dynamo=False, opset_version=13,
        input_names=["faces"], output_names=["features"],
        dynamic_axes={"faces": {0: "n"}, "features": {0: "n"}},
    )  # fmt: skip
    estimator = OnnxNetwork()
    estimator.network_ = np.frombuffer(data.getvalue(), np.uint8).copy()
    estimator.coefficients_ = last.weight.detach().numpy().T.astype(np.float64)
    estimator.bias_ = last.bias.detach().numpy().astype(np.float64)
    estimator.classes_, estimator.scale_ = np.arange(2), 1.0
    estimator.n_features_in_, estimator.mirror_margin_ = SIDE**2, MIRROR_MARGIN
    estimator.sure_at_ = SURE_AT
    return estimator


def main(archives: Path, work: Path) -> None:
    """Prepare, find boxes, train, measure on the pictures held out, and save beside this script."""
    if not (work / "positives" / "info.dat").exists():
        prepare(archives, work)
    if not (work / "drawn").exists():
        run(work, DRAWN_SCENES)
    boxes, source = all_boxes(work)
    held_out = boxes.picture % HELD_OUT == 0
    estimator = as_estimator(trained(boxes, source, held_out, work))
    tested = np.flatnonzero(held_out & boxes.found)
    upright = (1.0, 0.0, np.zeros(2), False)
    shown = np.stack([cut(boxes.crops[row], *upright) for row in tested])
    says_face = estimator.predict(shown.reshape(len(shown), -1)) == CLASSES.index("face")
    is_face = boxes.is_face[tested]
    record = {
        "model": "verify_animeface.npz",
        "what": "tells drawn faces from a cascade's false boxes",
        "trained_with": f"cvbaseline {__version__}, PyTorch {torch.__version__}",
        "command": "python models/train_verify_animeface.py ARCHIVES WORK",
        "seed": SEED,
        "verify_above": VERIFY_ABOVE,
        "sure_at": SURE_AT,
        "boxes_of": {f"{name}.xml": f"first {stages} stages" for name, stages in STAGES.items()},
        "data": {
            one.name: {
                "faces": int((boxes.is_face & (source == number)).sum()),
                "others": int((~boxes.is_face & (source == number)).sum()),
            }
            for number, one in enumerate(SOURCES)
        },
        "held_out": {
            "what": f"boxes of one in {HELD_OUT} of these pictures, taken for faces at odds of 1",
            "faces": [int(is_face.sum()), int(says_face[is_face].sum())],
            "others": [int((~is_face).sum()), int(says_face[~is_face].sum())],
        },
    }
    target = Path(__file__).with_name(record["model"])
    provenance = {LIMIT: VERIFY_ABOVE, "command": record["command"], "seed": SEED}
    save_model(
        target, FaceModel(estimator, CLASSES, CropOptions(size=SIDE, margin=MARGIN), provenance)
    )
    record["bytes"] = target.stat().st_size
    record["measured"] = {
        "how": "IoU >= 0.3, scale_factor 1.1, min_size 24; the screens took no part in training, "
        "but stages and limit were chosen on them; the scenes share sprites and backgrounds with it"
    }
    for cascade in (f"{name}.xml" for name in STAGES):
        look = SECOND_LOOKS[cascade]
        path = Path(__file__).parents[1] / "cascades" / cascade
        for name in ("anime_screens_dev", "anime_scenes_dev"):
            search = DetectionParameters(
                verify=str(target), verify_above=look.above, stages=look.stages,
                regroup_stages=look.regroup_stages,
            )  # fmt: skip
            found = measure(path, archives, name, search)
            record["measured"][f"{cascade}, first {look.stages} stages, {name}"] = found
    target.with_suffix(".json").write_text(json.dumps(record, indent=2) + "\n")
    print(json.dumps(record["held_out"]))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), Path(sys.argv[2]))
