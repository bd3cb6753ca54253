"""Write the permissive drawn-face cascade: the first stages of lbp_animeface, for the second look.

    python cascades/permissive_animeface.py ARCHIVES

It finds more faces and many more false boxes; models/verify_animeface.npz tells them apart. Writes
cascades/lbp_animeface_permissive.xml with a JSON of what the two do on the development archives.
"""

import json
import sys
from dataclasses import replace
from pathlib import Path

from train_animeface import MIN_IOU, measure

from cvbaseline import __version__
from cvbaseline.formats.cascade_xml import load_cascade, save_cascade

STAGES = 11
ARCHIVES = ("anime_screens_dev", "anime_scenes_dev")


def main(archives: Path) -> None:
    """Cut the cascade, measure it with and without its verifier."""
    target = Path(__file__).with_name("lbp_animeface_permissive.xml")
    whole = load_cascade(Path(__file__).with_name("lbp_animeface.xml"))
    cascade = replace(whole, stages=whole.stages[:STAGES])
    save_cascade(target, cascade)
    record = {
        "cascade": target.name,
        "what": f"the first {STAGES} stages of lbp_animeface.xml: for use with --verify animeface",
        "made_with": f"cvbaseline {__version__}",
        "script": "cascades/permissive_animeface.py",
        "command": "python cascades/permissive_animeface.py ARCHIVES",
        "stages": len(cascade.stages),
        "weak_classifiers": cascade.weak_count,
        "measured": {
            "how": f"boxes at IoU >= {MIN_IOU}, scale_factor 1.1, min_size 24, not equalised; "
            "neither cascade nor verifier was trained on the screens, but stages, min_neighbors "
            "and the verifier's limit were chosen on them; the scenes are composed of sprites and "
            "backgrounds that are in the training data of both, too",
            **{
                f"{name}, verify {verify}": measure(target, archives, name, verify)
                for verify in ("none", "animeface")
                for name in ARCHIVES
            },
        },
    }
    target.with_suffix(".json").write_text(json.dumps(record, indent=2) + "\n")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
