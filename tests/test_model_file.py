"""Model files: what is saved comes back, numpy alone reads it, and nothing else is loaded."""

import io
import json
import pickle
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_faces import MOODS, mood_faces

from cvbaseline.classifiers.bag_of_words import BagOfWords
from cvbaseline.classifiers.ensemble import Ensemble
from cvbaseline.classifiers.hog_svm import HogSvm
from cvbaseline.classifiers.lbph import Lbph
from cvbaseline.classifiers.majority import Majority
from cvbaseline.classifiers.subspace import Eigenfaces, Fisherfaces
from cvbaseline.errors import FormatError, UserError
from cvbaseline.faces import CropOptions
from cvbaseline.model_file import (
    METADATA,
    FaceModel,
    check_target,
    load_model,
    parse_model,
    render_model,
    save_model,
)

FACES, LABELS = mood_faces(8)
CROP = CropOptions(size=32, margin=-0.1, equalise="clahe")
ESTIMATORS = [
    HogSvm(scales=((32, 8), (24, 12)), landmarks=10, n_components=6, class_weight="balanced"),
    HogSvm(scales=((32, 16),), kernel="linear", n_components=None, mirror=False),
    Eigenfaces(5),
    Eigenfaces(5, "discriminant"),
    Fisherfaces(),
    Lbph(grid_x=4, grid_y=5),
    Majority(),
    BagOfWords(words=4, grids=((4, 6),), size=32, descriptor_components=8, landmarks=9),
    Ensemble("lbph+ensemble", {"ensemble": {"estimators": "majority+fisherfaces"}}),
]


def fitted(estimator):
    estimator.fit(FACES.reshape(len(FACES), -1), LABELS)
    return FaceModel(estimator, MOODS, CROP, {"seed": 3, "unsure_below": 0.25, "names": ["ä"]})


MODEL = fitted(HogSvm(scales=((32, 16),), landmarks=4, n_components=3))
DATA = render_model(MODEL)


def parts(data=DATA):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(members):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return data.getvalue()


def npy(array):
    data = io.BytesIO()
    np.save(data, array, allow_pickle=True)
    return data.getvalue()


NESTED = fitted(Ensemble("majority+ensemble", {"ensemble": {"estimators": "majority+eigenfaces"}}))
NESTED_DATA = render_model(NESTED)


def with_member(number=1, **changes):
    """The nested ensemble with a member's record changed."""
    members = parts(NESTED_DATA)
    metadata = json.loads(members[METADATA])
    metadata["members"][number] |= changes
    return packed({**members, METADATA: json.dumps(metadata).encode()})


def with_metadata(**changes):
    members = parts()
    members[METADATA] = json.dumps({**json.loads(members[METADATA]), **changes}).encode()
    return packed(members)


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda estimator: str(estimator)[:40])
def test_saved_and_loaded_it_is_the_same_model(tmp_path, estimator):
    model = fitted(estimator)
    path = tmp_path / "模型.npz"
    save_model(path, model)
    loaded = load_model(path)
    assert (loaded.classes, loaded.crop, loaded.provenance) == (MOODS, CROP, model.provenance)
    assert type(loaded.estimator) is type(estimator)
    assert loaded.estimator.get_params() == estimator.get_params()
    unseen, _ = mood_faces(5, seed=9)
    assert np.array_equal(loaded.predict_proba(unseen), model.predict_proba(unseen))
    assert render_model(loaded) == path.read_bytes()


def test_numpy_alone_reads_it():
    with np.load(io.BytesIO(DATA), allow_pickle=False) as file:
        metadata = json.loads(file[METADATA])
        assert np.array_equal(file["coefficients_"], MODEL.estimator.coefficients_)
    assert metadata["classes"] == list(MOODS) and metadata["crop"]["margin"] == -0.1
    assert metadata["versions"]["numpy"] == np.__version__
    assert metadata["numbers"]["scale_"] == MODEL.estimator.scale_


def test_faces_must_have_the_models_size():
    assert MODEL.predict_proba(FACES[:0]).shape == (0, 3)
    for wrong in (FACES[:, :16], FACES.astype(float), FACES[0]):
        with pytest.raises(ValueError, match=r"uint8 \(n, 32, 32\)"):
            MODEL.predict_proba(wrong)


def test_only_models_are_replaced(tmp_path):
    path = tmp_path / "m.npz"
    check_target(path, "eigenfaces")
    save_model(path, fitted(Eigenfaces(3)))
    save_model(path, fitted(Eigenfaces(4)))
    assert load_model(path).estimator.n_components == 4
    before = path.read_bytes()
    with pytest.raises(UserError, match="of the kind eigenfaces, which one of the kind hog_svm"):
        save_model(path, MODEL)
    assert path.read_bytes() == before
    np.savez(tmp_path / "measurements.npz", a=np.arange(3))
    (tmp_path / "letter.npz").write_text("dear aunt")
    for name in ("measurements.npz", "letter.npz", "."):
        before = (tmp_path / name).stat().st_mtime_ns
        with pytest.raises(UserError, match="is no cvbaseline model"):
            save_model(tmp_path / name, MODEL)
        assert (tmp_path / name).stat().st_mtime_ns == before
    assert {path.name for path in tmp_path.iterdir()} == {"m.npz", "measurements.npz", "letter.npz"}
    with pytest.raises(UserError, match="cannot be written"):
        save_model(tmp_path / "no" / "folder.npz", MODEL)


def test_missing_file(tmp_path):
    with pytest.raises(UserError, match="cannot be read"):
        load_model(tmp_path / "m.npz")


class Bomb:
    def __reduce__(self):
        return (pytest.fail, ("the pickle was run",))


def refused(data, message):
    with pytest.raises(FormatError, match=message) as caught:
        parse_model(data, "m.npz")
    assert str(caught.value).startswith("m.npz") and "\n" not in str(caught.value)


def test_objects_are_refused_and_never_unpickled():
    bomb = np.empty(1, object)
    bomb[0] = Bomb()
    refused(packed({**parts(), "bias_.npy": npy(bomb)}), "bias_.npy: holds object")
    refused(pickle.dumps(Bomb()), "is not a cvbaseline model")
    with pytest.raises(ValueError, match="numbers and text"):
        render_model(FaceModel(_with(MODEL.estimator, extra_=[Bomb()]), MOODS, CROP))


def _with(estimator, **attributes):
    copy = type(estimator)(**estimator.get_params())
    vars(copy).update({**vars(estimator), **attributes})
    return copy


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is not a cvbaseline model"),
        (b"PK\x05\x06" + bytes(18), "is not a cvbaseline model"),
        (DATA[: len(DATA) // 2], "damaged"),
        (DATA[:-10], "damaged"),
        (packed({"a.npy": npy(np.arange(3))}), "is not a cvbaseline model"),
        (packed({**parts(), METADATA: b"{"}), "is not JSON"),
        (packed({**parts(), METADATA: b"[" * 100_000}), "is not JSON"),
        (with_metadata(version=2), "version 2 is unknown"),
        (with_metadata(estimator="os.system"), "unknown estimator 'os.system'; known are majority"),
        (with_metadata(estimator="eigenfaces"), "parameters of eigenfaces expected"),
        (with_metadata(parameters={"depth": 1}), "parameters of hog_svm expected"),
        (with_metadata(classes=[*MOODS, "more"]), "labels .* expected to be 0 to 3"),
        (with_metadata(classes=["a", "a", "b"]), "different names"),
        (with_metadata(classes=["a", "b", 3]), "different names"),
        (with_metadata(crop={"size": 16}), "do not make a classifier"),
        (with_metadata(crop={"size": 10**9}), "crop: size must be"),
        (with_metadata(crop={"size": 32.5}), "crop: size"),
        (with_metadata(crop={"depth": 3}), "crop: .*depth"),
        (with_metadata(numbers={"predict_proba": 3}), "'predict_proba' is not a learnt attribute"),
        (with_metadata(numbers={"__class___": 3}), "is not a learnt attribute"),
        (with_metadata(numbers={}), "do not make a classifier"),
        (with_metadata(numbers={"scale_": [1]}), "numbers/scale_ is not a number"),
        (with_metadata(arrays=["mean_"]), "expected the arrays"),
        (with_metadata(provenance=None), "provenance must be a dict"),
        (packed({**parts(), "bias_.npy": npy(np.zeros(2))}), "do not make a classifier"),
        (packed({**parts(), "bias_.npy": npy(np.full(3, np.nan))}), "not finite"),
        (packed({**parts(), "bias_.npy": npy(np.zeros(3))[:-1]}), r"shape \(3,\) of float64 does"),
        (packed({**parts(), "bias_.npy": b"\x93NUMPY\x01\x00\x05\x00(((("}), "no valid header"),
        (packed({**parts(), "classes_.npy": npy(np.array([0, 2, 1]))}), "expected to be 0 to 2"),
        (with_member(estimator="os.system"), "unknown estimator 'os.system'"),
        (with_member(parameters={"estimators": 3, "C": 1}), "parameters of ensemble expected"),
        (with_member(0, numbers={"predict": 3}), "'predict' is not a learnt attribute"),
        (with_member(0, arrays=["classes_", "mean_"]), "expected the arrays .*'0/mean_'"),
        (with_member(0, arrays=[3]), "arrays must be names"),
        (with_member(members=[]), "expected the arrays"),
        (with_member(members="eigenfaces"), "members must be a list of records"),
        (with_member(members=[3]), "members must be a list of records"),
    ],
)
def test_what_is_not_a_model_is_refused(data, message):
    refused(data, message)


def test_members_are_not_endlessly_deep():
    metadata = json.loads(parts(NESTED_DATA)[METADATA])
    for _ in range(9):
        metadata["members"] = [metadata.copy()]
    refused(packed({METADATA: json.dumps(metadata).encode()}), "more than 3 deep")


def test_a_file_without_a_newer_parameter_gets_its_default():
    parameters = {**MODEL.estimator.get_params()}
    del parameters["mirror"], parameters["seed"]
    model = parse_model(with_metadata(parameters=parameters), "m.npz")
    assert model.estimator.get_params() == MODEL.estimator.get_params()


def test_parameters_cannot_ask_for_much_memory():
    for scales in ([[10**6, 10**5]], [[512, 2]] * 1000, "no"):
        parameters = {**MODEL.estimator.get_params(), "scales": scales}
        refused(with_metadata(parameters=parameters), "do not make a classifier")


def test_a_bomb_is_refused_before_it_unpacks(monkeypatch):
    monkeypatch.setattr("cvbaseline.model_file.LARGEST_FILE", 1 << 20)
    bomb = packed({**parts(), "bias_.npy": bytes(2 << 20)})
    assert len(bomb) < 1 << 18
    refused(bomb, "unpacks to more than 1048576 bytes")


def test_a_header_cannot_ask_for_memory():
    header = npy(np.zeros(3)).replace(b"(3,), }          ", b"(3000000000000,), }")[:128]
    refused(packed({**parts(), "bias_.npy": header + bytes(24)}), "does not fit 24 bytes")


@settings(max_examples=300)
@given(st.data())
def test_damage_is_refused_or_harmless(data):
    place = data.draw(st.integers(0, len(DATA) - 1))
    length = data.draw(st.integers(0, 20))
    patch = data.draw(st.binary(max_size=20))
    damaged = DATA[:place] + patch + DATA[place + length :]
    try:
        model = parse_model(damaged, "m.npz")
    except FormatError:
        return
    assert np.array_equal(model.predict_proba(FACES), MODEL.predict_proba(FACES))


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 10**6) | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@settings(max_examples=200)
@given(st.data())
def test_any_other_metadata_is_refused_or_still_classifies(data):
    members = parts()
    metadata = json.loads(members[METADATA])
    key = data.draw(st.sampled_from(sorted(metadata)))
    if isinstance(metadata[key], dict) and metadata[key] and data.draw(st.booleans()):
        metadata[key][data.draw(st.sampled_from(sorted(metadata[key])))] = data.draw(JSON_VALUES)
    else:
        metadata[key] = data.draw(JSON_VALUES)
    members[METADATA] = json.dumps(metadata).encode()
    try:
        model = parse_model(packed(members), "m.npz")
    except FormatError:
        return
    size = model.crop.size
    shares = model.predict_proba(np.zeros((2, size, size), np.uint8))
    assert np.allclose(shares.sum(axis=1), 1)


ARRAYS = st.builds(
    lambda shape, kind, value: np.full(shape, value, kind),
    st.lists(st.integers(0, 4), max_size=3).map(tuple),
    st.sampled_from([np.float64, np.int64, np.uint8, bool, "U3", np.float32]),
    st.integers(0, 100),
)


@settings(max_examples=200)
@given(st.sampled_from(sorted(set(parts()) - {METADATA})), ARRAYS)
def test_any_other_array_is_refused_or_still_classifies(name, array):
    try:
        model = parse_model(packed({**parts(), name: npy(array)}), "m.npz")
    except FormatError:
        return
    assert np.allclose(model.predict_proba(FACES).sum(axis=1), 1)
