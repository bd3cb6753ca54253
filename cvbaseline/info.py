"""The verb `info`: what a cascade, stage, parameter, .vec, annotation or model file holds."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

from cvbaseline.cascade import TrainingParameters
from cvbaseline.errors import FormatError, UserError
from cvbaseline.options import argument


@dataclass(frozen=True, kw_only=True)
class InfoOptions:
    """Say what files hold: cascades, stages, params.xml, .vec samples, info.dat, models."""

    files: list[Path] = argument("files to describe", args=["files"], nargs="+", metavar="FILE")


def describe(path: Path) -> str:
    """A few lines on the file; raises UserError when it is not of a known kind or malformed."""
    if not path.is_file():
        raise UserError(f"{path} is not a file: name a cascade, model, .vec or annotation file")
    suffix = path.suffix.lower()
    if suffix == ".npz":
        return describe_model(path)
    if suffix == ".vec":
        return describe_vec(path)
    if suffix in (".xml", ""):
        return describe_xml(path)
    if suffix in (".dat", ".txt", ".info", ".idx"):
        return describe_annotations(path)
    known = ".xml (cascade, stage, params), .vec, .npz (model), .dat or .txt (annotations)"
    raise UserError(f"{path}: unknown kind of file {suffix!r}; known are {known}")


def describe_xml(path: Path) -> str:
    """Cascade, stage or parameter file, told apart by the root element."""
    from cvbaseline.formats import cascade_xml

    head = path.open("rb").read(4096)
    if re.search(rb"<stage\d+", head) and b"<stages" not in head:
        stage = cascade_xml.load_stage(path)
        return (
            f"{path}: a trained stage of {stage.trees.count} weak classifiers with "
            f"{len(stage.trees.left)} nodes, threshold {stage.threshold:g}"
        )
    if b"<params>" in head:
        held = cascade_xml.load_parameters(path)
        return (
            f"{path}: parameters of a training, {held.feature_type} features, window "
            f"{held.width} x {held.height} pixels\n  {render_training(held.training)}"
        )
    cascade = cascade_xml.load_cascade(path)
    sizes = ", ".join(str(stage.trees.count) for stage in cascade.stages)
    nodes = sum(len(stage.trees.left) for stage in cascade.stages)
    kind = "stumps" if nodes == cascade.weak_count else f"trees with {nodes} nodes"
    return "\n".join([
        f"{path}: {cascade.feature_type} cascade, window {cascade.width} x {cascade.height} pixels",
        f"  {len(cascade.stages)} stages, {cascade.weak_count} weak classifiers ({kind}), "
        f"{len(cascade.features[0])} different features",
        f"  weak classifiers a stage: {sizes}",
        f"  {render_training(cascade.training)}",
    ])  # fmt: skip


def render_training(training: TrainingParameters) -> str:
    """What the old trainer's parameters say, in words."""
    return (
        f"{training.boost_type} boosting, depth {training.max_depth}; a stage: hit rate "
        f"{training.min_hit_rate:g}, false alarm rate {training.max_false_alarm:g}, at most "
        f"{training.max_weak_count} weak classifiers"
    )


def describe_vec(path: Path) -> str:
    """A .vec file: how many samples it holds, and whether its header claims more."""
    from cvbaseline.formats.vec import load_vec

    vec = load_vec(path)
    count, height, width = vec.samples.shape
    claim = "" if vec.claimed == count else f" (its header claims {vec.claimed})"
    return f"{path}: {count} samples{claim} of {width} x {height} pixels"


def describe_annotations(path: Path) -> str:
    """An annotation file in OpenCV's format, or a list of background pictures."""
    from cvbaseline.formats.annotations import load_background, load_info

    try:
        annotations = load_info(path)
    except FormatError:
        return f"{path}: a list of {len(load_background(path))} pictures"
    faces = sum(len(annotation.boxes) for annotation in annotations)
    return f"{path}: {faces} boxes in {len(annotations)} pictures"


def describe_model(path: Path) -> str:
    """A face classifier saved by `train`."""
    from cvbaseline.model_file import load_model

    model = load_model(path)
    lines = [
        f"{path}: {type(model.estimator).__name__} for {len(model.classes)} classes: "
        + ", ".join(model.classes),
        f"  crops: {model.crop}",
    ]
    provenance = json.dumps(model.provenance, ensure_ascii=False, indent=2)
    lines += [f"  {line}" for line in provenance.splitlines()]
    return "\n".join(lines)
