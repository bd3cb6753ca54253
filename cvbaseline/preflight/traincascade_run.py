"""All checks of a run of traincascade, in the order in which its files are used."""

from pathlib import Path
from typing import Optional

import numpy as np

from cvbaseline.formats.cascade_xml import Parameters
from cvbaseline.old_tools.traincascade_options import TraincascadeOptions
from cvbaseline.preflight import background, folder, lists, samples, settings
from cvbaseline.preflight.findings import Checked, Finding

USUAL_HIT_RATE = 0.995


def check_traincascade(
    options: TraincascadeOptions, missing: frozenset[str] = frozenset(), thorough: bool = False
) -> Checked:
    """All that can be wrong with a run of traincascade.

    Parameters
    ----------
    missing : names of options that are not given, whose checks are left out
    thorough : decode all pictures, to find truncated ones and those that are nearly the same
    """
    rates, mended = settings.check_rates(options.min_hit_rate, options.max_false_alarm)
    findings = list(rates)
    buffers = (options.precalc_val_buf_size, options.precalc_idx_buf_size)
    too_large = settings.check_buffers(*buffers, settings.memory_of_machine())
    findings += too_large.findings
    mended = {**mended, **too_large.mended}
    asked = _asked(options, None)
    if "data" not in missing:
        held, (folder_findings, stale) = _check_data(options)
        findings += folder_findings
        mended = {**mended, **stale}
        asked = _asked(options, held)
    positives = np.zeros((0, asked.height, asked.width), np.uint8)
    if "vec" not in missing:
        vec_findings, vec_mended, vec = samples.check_vec_file(options.vec, asked)
        findings += vec_findings
        mended = {**mended, **vec_mended}
        if vec is not None:
            positives = vec.samples
            asked = asked._replace(width=positives.shape[2], height=positives.shape[1])
            asked = asked._replace(num_pos=samples.asked_positives(len(positives), asked))
    if asked.num_pos != "auto":
        findings += settings.check_balance(asked.num_pos, options.num_neg)
    if "bg" not in missing:
        near = [options.bg.parent] if "vec" in missing else [options.vec.parent, options.bg.parent]
        findings += _check_bg(options, asked, positives, near if thorough else [], thorough)
    return Checked(findings, mended)


def _asked(options: TraincascadeOptions, held: Optional[Parameters]) -> samples.Asked:
    """What counts: params.xml where there is one, else the flags."""
    if held is not None:
        kind, width, height, training = held
        rate = training.min_hit_rate
    else:
        kind, width, height = options.feature_type, options.width, options.height
        # A rate of 1 is mended first, so that the count is right for what it becomes.
        rate = options.min_hit_rate if options.min_hit_rate < 1 else USUAL_HIT_RATE
    return samples.Asked(width, height, options.num_pos, options.num_stages, rate, kind)


def _check_data(options: TraincascadeOptions) -> tuple[Optional[Parameters], Checked]:
    """The folder of -data: can it be written, and does it go on."""
    findings = folder.check_writable(options.data)
    if not options.data.is_dir():
        return None, Checked(findings, {})
    held = folder.read_folder(options.data)
    findings += folder.check_held(options.data, held)
    findings += folder.check_replaced(options.data, held)
    mended: dict[str, str] = {}
    if held.parameters is not None:
        given = Parameters(options.feature_type, options.width, options.height, options.parameters)
        path = options.data / "params.xml"
        stale, mended = folder.check_parameters(path, held.parameters, given, len(held.stages))
        findings += stale
        findings += folder.check_resume(options.data, held, options.num_stages)
    return held.parameters, Checked(findings, mended)


def _check_bg(
    options: TraincascadeOptions,
    asked: samples.Asked,
    positives: np.ndarray,
    annotated: list[Path],
    thorough: bool,
) -> list[Finding]:
    """The negatives; `annotated` are folders whose lists of annotated pictures are looked at."""
    size = (asked.width, asked.height)
    findings, looks = lists.check_background(options.bg, size, thorough)
    if not looks:
        return findings
    findings += background.check_duplicates(looks, options.bg)
    findings += background.check_samples_among(looks, positives, options.bg)
    boxed = lists.annotations_in(annotated)
    findings += background.check_positives_among(looks, boxed, options.bg)
    windows = background.count_windows(looks, *size)
    return findings + settings.check_supply(
        windows, options.num_neg, options.num_stages, options.max_false_alarm
    )
